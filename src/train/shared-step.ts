/** One batch of all ranks: its gradients and its loss, and whether its step is to be the last. */

import type { Communicator } from "../distributed";
import { orderedSum } from "../distributed/agree";
import type { GradientReducer } from "../distributed/gradient-reducer";
import type { Model } from "../model/model";
import type { Gradients } from "./step";

/** A batch's gradients over all ranks. */
export interface SharedGradients extends Gradients {
  /** Some rank was asked to stop: all do, after this step. */
  readonly isStopping: boolean;
}

/**
 * Adds what all ranks have computed.
 *
 * @param own what this rank's examples add to the mean over the batch
 * @param isSent whether backward has handed the gradients over already
 */
export async function shareGradients(
  run: { readonly comm: Communicator; readonly model: Model; readonly reducer: GradientReducer },
  own: Gradients,
  options: { readonly isSent: boolean; readonly isStopping: boolean },
): Promise<SharedGradients> {
  const { comm, model, reducer } = run;
  const { isSent, isStopping } = options;
  if (!isSent) {
    const names = [...model.parameters.keys()];
    for (let index = names.length - 1; index >= 0; index--) reducer.add(names[index]!, own.tensors[index]!);
  }
  const numbers = orderedSum(comm, Float64Array.of(own.loss, own.size, isStopping ? 1 : 0));
  numbers.catch(() => {}); // awaited after the gradients
  const tensors = await reducer.finish(own.tensors);
  const [loss, size, stopping] = await numbers;
  return { loss: loss!, size: size!, tensors, isStopping: stopping! > 0 };
}

/** Whether any rank was asked to stop. */
export async function isAnyStopping(comm: Communicator, signal: AbortSignal | undefined): Promise<boolean> {
  const own = signal?.aborted ?? false;
  if (comm.size === 1) return own;
  return (await comm.gather(Float64Array.of(own ? 1 : 0))).includes(1);
}
