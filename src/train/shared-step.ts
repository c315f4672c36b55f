/** One optimizer step of all ranks: its gradients and its loss, and whether it is to be the last. */

import type { Communicator } from "../distributed";
import { orderedSum } from "../distributed/agree";
import type { GradientReducer } from "../distributed/gradient-reducer";
import type { Model } from "../model/model";
import type { Gradients } from "./step";

/** A step's gradients over all ranks. */
export interface SharedStep extends Gradients {
  /** Some rank was asked to stop: all do, after this step. */
  readonly isStopping: boolean;
}

/**
 * Adds what all ranks have computed.
 *
 * @param own of this rank's examples: weighted by their part of the batch, or summed over accumulated batches
 * @param isSent whether backward has handed the gradients over already
 */
export async function shareStep(
  run: { readonly comm: Communicator; readonly model: Model; readonly reducer: GradientReducer },
  own: Gradients,
  options: { readonly isWeighted: boolean; readonly isSent: boolean; readonly isStopping: boolean },
): Promise<SharedStep> {
  const { comm, model, reducer } = run;
  const { isWeighted, isSent, isStopping } = options;
  if (!isSent) {
    const names = [...model.parameters.keys()];
    for (let index = names.length - 1; index >= 0; index--) reducer.add(names[index]!, own.tensors[index]!);
  }
  const lossSum = isWeighted ? own.loss : own.loss * own.size;
  const numbers = orderedSum(comm, Float64Array.of(lossSum, own.size, isStopping ? 1 : 0));
  numbers.catch(() => {}); // awaited after the gradients
  const tensors = await reducer.finish(own.tensors);
  const [sum, size, stopping] = await numbers;
  return { loss: isWeighted ? sum! : sum! / size!, size: size!, tensors, isStopping: stopping! > 0 };
}

/** Whether any rank was asked to stop. */
export async function isAnyStopping(comm: Communicator, signal: AbortSignal | undefined): Promise<boolean> {
  const own = signal?.aborted ?? false;
  if (comm.size === 1) return own;
  return (await comm.gather(Float64Array.of(own ? 1 : 0))).includes(1);
}
