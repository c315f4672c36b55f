/**
 * A few numbers that say how much power there is where: the logarithm of the mean and the mean of the logarithm in bands
 * of frequency. The normalisation after each convolution takes out the level that they hold.
 */

import type { Tensor2D } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { dense, logPower } from "../engine/ops";
import { inFloat32 } from "../engine/precision";

/** The first band ends here, in points of the spectrum; each of the others is wider than the one before it. */
const FIRST_BAND = 16;

/**
 * What the mean over each band multiplies a spectrum by: [bands, points]. Bands are evenly spaced in the logarithm of the
 * point's number plus `FIRST_BAND`, and together cover the spectrum.
 */
export function bandWeights(points: number, bands: number): Float32Array {
  const weights = new Float32Array(bands * points);
  const edge = (band: number): number => Math.round(FIRST_BAND * ((1 + points / FIRST_BAND) ** (band / bands) - 1));
  for (let band = 0; band < bands; band++) {
    const first = Math.min(points - 1, edge(band));
    const end = Math.max(first + 1, edge(band + 1));
    weights.fill(1 / (end - first), band * points + first, band * points + end);
  }
  return weights;
}

/**
 * @param x [B, L], positive powers
 * @param weights [bands, L], see `bandWeights`
 * @returns [B, 2 * bands]: log of the mean power of each band, then mean log power of each band
 */
export function summaryOf(x: Tensor2D, weights: Tensor2D): Tensor2D {
  return tf.tidy(() => {
    const none = tf.zeros([weights.shape[0]]) as tf.Tensor1D;
    // Means, not products that are learned.
    return inFloat32(() => {
      const levels = logPower(dense(x, weights, none));
      return tf.concat2d([levels as Tensor2D, dense(logPower(x) as Tensor2D, weights, none)], 1);
    });
  });
}
