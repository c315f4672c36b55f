/** Optimizer arithmetic on the current engine: gradient norm and Adam's update, without recording gradients. */

import type { Tensor, Variable } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import * as composed from "./composed/update";
import * as native from "./native/update";
import * as tensorflow from "./tensorflow/update";

/** One Adam update of all parameters; the lists go together by position. */
export interface AdamUpdate {
  readonly parameters: readonly Variable[];
  readonly gradients: readonly Tensor[];
  readonly firstMoments: readonly Variable[];
  readonly secondMoments: readonly Variable[];
  /** Counts from 1. */
  readonly step: number;
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Multiplies every gradient first: the clipping coefficient, or 1. */
  readonly gradientScale: number;
}

/** The Euclidean norm over all elements of all gradients, accumulated in float64. */
export function globalNorm(gradients: readonly Tensor[]): number {
  for (const [index, gradient] of gradients.entries()) checkFloat32("globalNorm", `gradients[${index}]`, gradient);
  return forms().globalNorm(gradients);
}

/**
 * Adam (Kingma & Ba 2015, algorithm 1) with torch.optim.Adam's order of operations: scalars in float64, tensors in
 * float32. Parameters and moments change in place.
 *
 * @throws RangeError when lists or shapes do not go together, or the step does not count from 1.
 */
export function adamUpdate(update: AdamUpdate): void {
  const { parameters, gradients, firstMoments, secondMoments, step } = update;
  if (!(Number.isInteger(step) && step >= 1)) {
    throw new RangeError(`Cannot run adamUpdate: step must be an integer from 1, got ${step}`);
  }
  for (const [name, list] of Object.entries({ gradients, firstMoments, secondMoments })) {
    if (list.length !== parameters.length) {
      throw new RangeError(`Cannot run adamUpdate: ${name} has ${list.length} tensors, expected ${parameters.length}`);
    }
    for (const [index, parameter] of parameters.entries()) {
      const tensor = list[index]!;
      checkFloat32("adamUpdate", `${name}[${index}]`, tensor);
      if (!tf.util.arraysEqual(tensor.shape, parameter.shape)) {
        throw new RangeError(
          `Cannot run adamUpdate: ${name}[${index}] has shape [${tensor.shape.join(", ")}], expected [${parameter.shape.join(", ")}]`,
        );
      }
    }
  }
  forms().adamUpdate(update);
}

function forms(): typeof composed {
  const backend = tf.getBackend();
  return backend === "native" ? native : backend === "tensorflow" ? tensorflow : composed;
}

function checkFloat32(op: string, name: string, tensor: Tensor): void {
  if (tensor.dtype !== "float32") throw new TypeError(`Cannot run ${op}: ${name} must be float32, got ${tensor.dtype}`);
}
