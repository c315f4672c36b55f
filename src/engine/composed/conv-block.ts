/**
 * The convolution block from stock tfjs ops. Both pools are built from slices: tfjs's average pool divides border
 * windows and their gradients differently from PyTorch's, and its max pool drops NaN.
 *
 * B batch, L length, C channels, K taps.
 */

import type { Tensor, Tensor3D, Tensor4D } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import type { ConvBlockParameters } from "../ops";

/** Added to the variance, as torch.nn.GroupNorm does by default. */
export const EPSILON = 1e-5;

/** @param x [B, L, Cin]; returns [B, floor((L - 1) / 3) + 1, Cout] */
export function convBlock(x: Tensor3D, parameters: ConvBlockParameters): Tensor3D {
  return tf.tidy(() => {
    const { weight, bias, scale, shift } = parameters;
    const activated = tf.relu(tf.add<Tensor3D>(convolve(x, weight), bias));
    const normalised = tf.add<Tensor3D>(tf.mul(standardise(activated), scale), shift);
    return averagePool(maxPool(normalised));
  });
}

/** Correlation along the length with zeros beyond both ends: x [B, L, Cin], weight [Cout, Cin, K] -> [B, L, Cout]. */
export function convolve(x: Tensor3D, weight: Tensor3D): Tensor3D {
  const filter = tf.expandDims<Tensor4D>(tf.transpose(weight, [2, 1, 0]), 0); // [1, K, Cin, Cout]
  return tf.squeeze<Tensor3D>(tf.conv2d(tf.expandDims<Tensor4D>(x, 1), filter, 1, "same"), [1]);
}

/** Zero mean and unit (biased) variance along the length, for each row and channel: [B, L, C] -> [B, L, C]. */
function standardise(x: Tensor3D): Tensor {
  const centred = tf.sub(x, tf.mean(x, 1, true));
  const variance = tf.mean(tf.square(centred), 1, true); // [B, 1, C]
  return tf.div(centred, tf.sqrt(tf.add(variance, EPSILON)));
}

/** MaxPool1d(3, stride 1, padding 1): the first of equal maxima receives the gradient, NaN is kept. */
export function maxPool(x: Tensor3D): Tensor3D {
  const [batch, length, channels] = x.shape;
  const padded = tf.pad3d(
    x,
    [
      [0, 0],
      [1, 1],
      [0, 0],
    ],
    Number.NEGATIVE_INFINITY,
  );
  const shifted = (start: number): Tensor3D => tf.slice(padded, [0, start, 0], [batch, length, channels]);
  return tf.maximum(tf.maximum(shifted(0), x), shifted(2));
}

/** AvgPool1d(3, stride 3, padding 1), divisor 3 at the borders too: [B, L, C] -> [B, floor((L - 1) / 3) + 1, C]. */
function averagePool(x: Tensor3D): Tensor3D {
  const [batch, length, channels] = x.shape;
  const pooled = Math.floor((length - 1) / 3) + 1;
  const padded = tf.pad3d(x, [
    [0, 0],
    [1, Math.max(0, 3 * pooled - length - 1)],
    [0, 0],
  ]);
  const windows = tf.reshape(tf.slice(padded, [0, 0, 0], [batch, 3 * pooled, channels]), [batch, pooled, 3, channels]);
  return tf.div(tf.sum<Tensor3D>(windows, 2), 3);
}
