/** All ranks start from the state of rank 0, which alone reads checkpoints. */

import type { Communicator } from "../distributed";
import { broadcastValue, requireEqual } from "../distributed/agree";
import type { Model } from "../model/model";
import type { Adam } from "./adam";
import type { Progress } from "./progress";

/** What rank 0 has found in the run's folder. */
export interface Start {
  readonly notes: readonly string[];
  readonly isRestored: boolean;
}

/**
 * Gives rank 0's weights, moments and progress to all ranks, and checks by hash that all have them.
 *
 * @throws {CommunicatorError} when a rank's weights differ afterwards.
 */
export async function shareStart(
  comm: Communicator,
  { model, optimizer, progress }: { readonly model: Model; readonly optimizer: Adam; readonly progress: Progress },
  own: Start | null,
): Promise<Start> {
  const { start, reached, updates } = await broadcastValue(comm, {
    start: own,
    reached: progress,
    updates: optimizer.step,
  });
  if (comm.size > 1) {
    Object.assign(progress, reached);
    const state = model.stateDict();
    for (const { data } of state.values()) await comm.broadcast(data);
    if (comm.rank > 0) model.loadStateDict(state);
    // A new run's moments are zero everywhere.
    if (updates > 0) {
      const moments = optimizer.state();
      for (const kind of [moments.firstMoments, moments.secondMoments]) {
        for (const values of kind.values()) await comm.broadcast(values);
      }
      if (comm.rank > 0) optimizer.load({ ...moments, step: updates });
    }
    await compareWeights(comm, model, `the weights after step ${progress.step}`);
  }
  return start!;
}

/** @throws {CommunicatorError} on all ranks when one has other weights than rank 0. */
export async function compareWeights(comm: Communicator, model: Model, what: string): Promise<void> {
  if (comm.size === 1) return;
  const arrays = [...model.stateDict().values()].map(({ data }) => data);
  await requireEqual(comm, arrays, what, "start again from the last checkpoint, on machines of one kind");
}
