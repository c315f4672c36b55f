/** One optimizer step: forward, loss, backward, clipping, Adam. */

import type { Tensor, Tensor2D } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import type { Loss } from "../config";
import { summedBy } from "../engine/division";
import { adviseStep, withinMemory } from "../engine/out-of-memory";
import { globalNorm } from "../engine/update";
import { batchLoss } from "../model/loss";
import type { Model, TrainingPass } from "../model/model";
import type { Adam } from "./adam";
import type { ScheduleValue } from "./schedule";

/** Spectra and what they are to give. */
export interface Examples {
  /** [size, points], positive powers scaled for the network. */
  readonly spectra: Float32Array;
  /** [size, heads]: classes, or scaled values for a regression loss. */
  readonly targets: Int32Array | Float32Array;
  readonly size: number;
}

/** Gradients of a batch's mean loss, in the order of `Model.parameters`. */
export interface Gradients {
  /** Mean over the examples so far. */
  loss: number;
  /** Examples so far. */
  size: number;
  /** Those of the mean loss of each batch, times its size, summed: still to be divided by `size`. */
  tensors: Tensor[];
}

/**
 * Evaluates the network on one batch in training mode and differentiates its loss; (seed, step) name the dropout masks.
 * With `training.division`, what the examples add to the mean over the whole batch.
 *
 * @throws OutOfMemoryError where the examples do not fit into the device's memory: it names how many do.
 */
export function batchGradients(model: Model, loss: Loss, examples: Examples, training: TrainingPass): Gradients {
  return withinMemory(
    examples.size,
    (size) => {
      if (size === examples.size) return differentiate(model, loss, examples, training);
      // Only to find out whether so many fit: nobody hears of its gradients.
      const { onGradient: _, division: __, ...pass } = training;
      return differentiate(model, loss, firstOf(examples, size), pass);
    },
    ({ tensors }) => tf.dispose(tensors),
    adviseStep,
  );
}

function differentiate(model: Model, loss: Loss, examples: Examples, training: TrainingPass): Gradients {
  const variables = [...model.parameters.values()];
  const { division } = training;
  return tf.tidy(() => {
    const { x, targets } = tensorsOf(model, examples);
    const { value, grads } = summedBy(division, () =>
      tf.variableGrads(
        () => batchLoss(loss, model.forward(x, { training }), targets, division?.whole ?? examples.size),
        variables,
      ),
    );
    const tensors = variables.map((variable) => tf.keep(grads[variable.name]!));
    return { loss: value.dataSync()[0]!, size: examples.size, tensors };
  });
}

/** What a rank adds to a step in which it has no examples. */
export function noGradients(model: Model): Gradients {
  const tensors = [...model.parameters.values()].map(({ shape }) => tf.zeros(shape));
  return { loss: 0, size: 0, tensors };
}

/** Adds a batch to what was accumulated; the tensors of both are used up. */
export function accumulate(sum: Gradients | null, batch: Gradients): Gradients {
  const size = (sum?.size ?? 0) + batch.size;
  const loss = ((sum?.loss ?? 0) * (sum?.size ?? 0) + batch.loss * batch.size) / Math.max(1, size);
  const tensors = batch.tensors.map((gradient, index) =>
    tf.tidy(() => {
      const weighted = tf.mul(gradient, batch.size);
      return sum ? tf.add(sum.tensors[index]!, weighted) : weighted;
    }),
  );
  tf.dispose([...batch.tensors, ...(sum?.tensors ?? [])]);
  return { loss, size, tensors };
}

/**
 * Clips the gradients to the global norm `clipNorm` as PyTorch's `clip_grad_norm_` does, updates the parameters and
 * frees the gradients.
 *
 * @param loss of the step, where known
 * @param divisor what the tensors are still to be divided by
 * @returns the norm before clipping; the parameters are unchanged when it or the loss is not finite.
 */
export function applyGradients(
  optimizer: Adam,
  tensors: readonly Tensor[],
  options: {
    readonly value: ScheduleValue;
    readonly clipNorm: number | null;
    readonly divisor: number;
    readonly loss?: number;
  },
): number {
  const norm = globalNorm(tensors) / options.divisor;
  if (Number.isFinite(norm) && Number.isFinite(options.loss ?? 0)) {
    const coefficient = options.clipNorm === null ? 1 : Math.min(1, options.clipNorm / (norm + 1e-6));
    optimizer.update(tensors, options.value, coefficient / options.divisor);
  }
  tf.dispose([...tensors]);
  return norm;
}

function firstOf({ spectra, targets, size: all }: Examples, size: number): Examples {
  // Whole rows: length times a fraction would fall short of them by a rounding error.
  return {
    spectra: spectra.subarray(0, (spectra.length / all) * size),
    targets: targets.subarray(0, (targets.length / all) * size),
    size,
  };
}

function tensorsOf(model: Model, { spectra, targets, size }: Examples): { x: Tensor2D; targets: Tensor2D } {
  const heads = model.heads.length;
  return {
    x: tf.tensor2d(spectra, [size, model.options.shape]),
    targets: tf.tensor2d(targets, [size, heads], targets instanceof Int32Array ? "int32" : "float32"),
  };
}
