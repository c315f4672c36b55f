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
import { isMixed } from "../precision";
import { convolveMixed } from "./mixed";

/** @param x [B, L, Cin]; returns [B, floor((L - 1) / 3) + 1, Cout] */
export function convBlock(x: Tensor3D, parameters: ConvBlockParameters): Tensor3D {
  return tf.tidy(() => {
    const { weight, bias, scale, shift } = parameters;
    const convolved = isMixed() ? convolveMixed(x, weight) : convolve(x, weight);
    const activated = tf.relu(tf.add<Tensor3D>(convolved, bias));
    return averagePool(maxPool(groupNorm(activated, scale, shift)));
  });
}

/** Zero mean and unit (biased) variance along the length, for each row and channel, then scale and shift: [B, L, C]. */
function groupNorm(x: Tensor3D, scale: Tensor1D, shift: Tensor1D): Tensor3D {
  const op = tf.customGrad((...inputs) => {
    const [input, gain, offset, save] = inputs as [Tensor, Tensor, Tensor, (tensors: Tensor[]) => void];
    const centred = tf.sub(input, meanAlong(input));
    const spread = tf.add(meanAlong(tf.square(centred)), EPSILON); // [B, 1, C]
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
  const d = tf.sub(scaled, meanAlong(scaled));
  const along = tf.mul(centred, tf.div(meanAlong(tf.mul(d, centred)), spread));
  const dscale = tf.sum(tf.div(sumAlong(tf.mul(dout, centred)), deviation), [0, 1]);
  return [tf.div(tf.sub(d, along), deviation), dscale, tf.sum(sumAlong(dout), [0, 1])];
}

function meanAlong(x: Tensor): Tensor {
  return tf.div(sumAlong(x), x.shape[1]!);
}

/**
 * [B, L, C] -> [B, 1, C], in two levels: on the CPU TensorFlow adds a column up one after the other, and in float32 the
 * rounding of 35692 additions would show in the network's output.
 */
function sumAlong(x: Tensor): Tensor {
  const [batch, length, channels] = x.shape as [number, number, number];
  const rows = Math.ceil(Math.sqrt(length));
  const columns = Math.floor(length / rows);
  const whole = rows * columns;
  const body = tf.reshape(tf.slice(x, [0, 0, 0], [batch, whole, channels]), [batch, rows, columns, channels]);
  const sum = tf.sum(tf.sum(body, 2), 1, true);
  if (whole === length) return sum;
  return tf.add(sum, tf.sum(tf.slice(x, [0, whole, 0], [batch, length - whole, channels]), 1, true));
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
