/** Where a run stands: all that its next step depends on beside the parameters and Adam's moments. */

export interface Progress {
  /** Epochs completed, validation included. */
  epoch: number;
  /** Optimizer steps taken. */
  step: number;
  /** Rows of the current epoch's order that were used. */
  start: number;
  /** Sum over those rows of their loss. */
  epochLossSum: number;
  /** Rows of the current epoch whose steps were skipped (`on_nan`), and such steps since the last sound one. */
  skippedRows: number;
  skippedInARow: number;
  /** Mean training loss of the last completed epoch. */
  trainLoss: number | null;
  /** The last validation loss. */
  valLoss: number | null;
  best: { readonly loss: number; readonly epoch: number } | null;
  /** Early stopping: the loss that has to be beaten, and validations since it was. */
  patience: { readonly loss: number; readonly waited: number };
  /** Time spent in optimizer steps. */
  trainingSeconds: number;
}

export function newProgress(): Progress {
  return {
    epoch: 0,
    step: 0,
    start: 0,
    epochLossSum: 0,
    skippedRows: 0,
    skippedInARow: 0,
    trainLoss: null,
    valLoss: null,
    best: null,
    patience: { loss: Number.POSITIVE_INFINITY, waited: 0 },
    trainingSeconds: 0,
  };
}

/**
 * Takes a validation loss into account; the best so far only ever improves.
 *
 * @param minDelta what the loss must fall by to count as progress for early stopping
 * @returns whether it is the best so far
 */
export function noteValidation(progress: Progress, loss: number, minDelta: number): boolean {
  progress.valLoss = loss;
  const { patience } = progress;
  progress.patience =
    loss < patience.loss - minDelta ? { loss, waited: 0 } : { loss: patience.loss, waited: patience.waited + 1 };
  // A loss that is no number is never the best: no later one would be lower than it.
  const isBest = loss < (progress.best?.loss ?? Number.POSITIVE_INFINITY);
  if (isBest) progress.best = { loss, epoch: progress.epoch + 1 };
  return isBest;
}
