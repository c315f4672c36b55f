/**
 * The convolution block on TensorFlow. Convolution is Conv2D on a height of 1. The norm is differentiated as a whole:
 * recorded op by op it would keep six arrays of the activations' size for backward in place of one. Max pooling stays
 * composed of slices, since TensorFlow's gradient of it chooses among equal maxima differently from device to device, and
 * after ReLU most neighbours are equal.
 *
 * B batch, L length, C channels, K taps.
 */

import type { Tensor, Tensor1D, Tensor3D, Tensor4D } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { convolve, EPSILON, maxPool } from "../composed/conv-block";
import type { ConvBlockParameters } from "../ops";

/** @param x [B, L, Cin]; returns [B, floor((L - 1) / 3) + 1, Cout] */
export function convBlock(x: Tensor3D, parameters: ConvBlockParameters): Tensor3D {
  return tf.tidy(() => {
    const { weight, bias, scale, shift } = parameters;
    const activated = tf.relu(tf.add<Tensor3D>(convolve(x, weight), bias));
    return averagePool(maxPool(groupNorm(activated, scale, shift)));
  });
}

/** Zero mean and unit (biased) variance along the length, for each row and channel, then scale and shift: [B, L, C]. */
function groupNorm(x: Tensor3D, scale: Tensor1D, shift: Tensor1D): Tensor3D {
  const op = tf.customGrad((...inputs) => {
    const [input, gain, offset, save] = inputs as [Tensor, Tensor, Tensor, (tensors: Tensor[]) => void];
    const centred = tf.sub(input, tf.mean(input, 1, true));
    const spread = tf.add(tf.mean(tf.square(centred), 1, true), EPSILON); // [B, 1, C]
    save([centred, spread, gain]);
    const gradFunc = (dout: Tensor, saved: Tensor[]): Tensor[] => gradients(dout, saved as [Tensor, Tensor, Tensor]);
    return { value: tf.add(tf.mul(tf.div(centred, tf.sqrt(spread)), gain), offset), gradFunc };
  });
  return op(x, scale, shift) as Tensor3D;
}

/**
 * Of the norm's input, scale and shift (Wu & He 2018, eq. 1, differentiated). With c the centred input, s the variance +
 * epsilon and d = scale * dout less its mean: dx = (d - c mean(d c) / s) / sqrt(s). In terms of c, not of the normalised
 * values, since where the variance is next to nothing little is left of the difference.
 */
function gradients(dout: Tensor, [centred, spread, scale]: readonly [Tensor, Tensor, Tensor]): Tensor[] {
  const deviation = tf.sqrt(spread);
  const scaled = tf.mul(dout, scale);
  const d = tf.sub(scaled, tf.mean(scaled, 1, true));
  const along = tf.mul(centred, tf.div(tf.mean(tf.mul(d, centred), 1, true), spread));
  const dscale = tf.sum(tf.div(tf.sum(tf.mul(dout, centred), 1, true), deviation), [0, 1]);
  return [tf.div(tf.sub(d, along), deviation), dscale, tf.sum(dout, [0, 1])];
}

/** AvgPool1d(3, stride 3, padding 1): zeros are laid around by hand, so that the divisor is 3 at the borders too. */
function averagePool(x: Tensor3D): Tensor3D {
  const length = x.shape[1];
  const pooled = Math.floor((length - 1) / 3) + 1;
  const padded = tf.pad3d(x, [
    [0, 0],
    [1, Math.max(0, 3 * pooled - length - 1)],
    [0, 0],
  ]);
  return tf.squeeze<Tensor3D>(tf.avgPool(tf.expandDims<Tensor4D>(padded, 1), [1, 3], [1, 3], "valid"), [1]);
}
