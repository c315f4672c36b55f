/** Gradient norm and Adam from stock tfjs ops, on any backend. */

import type { Scalar, Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import type { AdamUpdate } from "../update";

const SCALARS = [
  "gradientScale",
  "oneMinusBeta1",
  "beta1",
  "beta2",
  "oneMinusBeta2",
  "correction",
  "epsilon",
  "negativeStepSize",
] as const;

export function globalNorm(gradients: readonly Tensor[]): number {
  let sum = 0;
  for (const gradient of gradients) {
    for (const value of gradient.dataSync()) sum += value * value;
  }
  return Math.sqrt(sum);
}

export function adamUpdate(update: AdamUpdate): void {
  tf.tidy(() => {
    // One upload a step, cut apart on the device.
    const pieces = tf.unstack(tf.tensor1d(scalarsOf(update))) as Scalar[];
    const scalars = Object.fromEntries(SCALARS.map((name, index) => [name, pieces[index]!]));
    for (const index of update.parameters.keys()) {
      tf.tidy(() => updateOne(update, index, scalars as Record<(typeof SCALARS)[number], Scalar>));
    }
  });
}

/** The step's numbers, worked out in float64, in the order of SCALARS. */
function scalarsOf({ step, learningRate, beta1, beta2, epsilon, gradientScale }: AdamUpdate): number[] {
  const stepSize = learningRate / (1 - beta1 ** step);
  const correction = Math.sqrt(1 - beta2 ** step);
  return [gradientScale, 1 - beta1, beta1, beta2, 1 - beta2, correction, epsilon, -stepSize];
}

function updateOne(
  { parameters, gradients, firstMoments, secondMoments, beta1 }: AdamUpdate,
  index: number,
  scalars: Record<(typeof SCALARS)[number], Scalar>,
): void {
  const parameter = parameters[index]!;
  const first = firstMoments[index]!;
  const second = secondMoments[index]!;
  const gradient = tf.mul(gradients[index]!, scalars.gradientScale);
  // torch.lerp, in the form that is exact at the nearer end.
  const difference = tf.sub(gradient, first);
  first.assign(
    1 - beta1 < 0.5
      ? tf.add(first, tf.mul(difference, scalars.oneMinusBeta1))
      : tf.sub(gradient, tf.mul(difference, scalars.beta1)),
  );
  const squares = tf.mul(tf.mul(gradient, scalars.oneMinusBeta2), gradient);
  second.assign(tf.add(tf.mul(second, scalars.beta2), squares));
  const denominator = tf.add(tf.div(tf.sqrt(second), scalars.correction), scalars.epsilon);
  parameter.assign(tf.add(parameter, tf.div(tf.mul(first, scalars.negativeStepSize), denominator)));
}
