/** Gradient norm and Adam from stock tfjs ops, on any backend. */

import type { Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import type { AdamUpdate } from "../update";

export function globalNorm(gradients: readonly Tensor[]): number {
  let sum = 0;
  for (const gradient of gradients) {
    for (const value of gradient.dataSync()) sum += value * value;
  }
  return Math.sqrt(sum);
}

export function adamUpdate(update: AdamUpdate): void {
  const { parameters, gradients, firstMoments, secondMoments, step, learningRate, beta1, beta2, epsilon } = update;
  const stepSize = learningRate / (1 - beta1 ** step);
  const correction = Math.sqrt(1 - beta2 ** step);
  for (const [index, parameter] of parameters.entries()) {
    tf.tidy(() => {
      const first = firstMoments[index]!;
      const second = secondMoments[index]!;
      const gradient = tf.mul(gradients[index]!, update.gradientScale);
      first.assign(lerp(first, gradient, 1 - beta1));
      second.assign(tf.add(tf.mul(second, beta2), tf.mul(tf.mul(gradient, 1 - beta2), gradient)));
      const denominator = tf.add(tf.div(tf.sqrt(second), correction), epsilon);
      parameter.assign(tf.add(parameter, tf.div(tf.mul(first, -stepSize), denominator)));
    });
  }
}

/** from + weight (to - from), in the form of torch.lerp that is exact at the nearer end. */
function lerp(from: Tensor, to: Tensor, weight: number): Tensor {
  const difference = tf.sub(to, from);
  return weight < 0.5 ? tf.add(from, tf.mul(difference, weight)) : tf.sub(to, tf.mul(difference, 1 - weight));
}
