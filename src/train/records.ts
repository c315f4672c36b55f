/** What a run reports: one record per optimizer step and per validation, with the names of `metrics.jsonl`. */

import type { HeadScores } from "./score";

/** One optimizer step. */
export interface TrainRecord {
  readonly kind: "train";
  /** Counts from 1. */
  readonly epoch: number;
  /** Optimizer steps since the run began, this one included. */
  readonly step: number;
  /** Mean over the step's spectra of the loss summed over heads. */
  readonly loss: number;
  readonly learning_rate: number;
  readonly beta1: number;
  /** Before clipping. */
  readonly gradient_norm: number;
  readonly samples_per_s: number;
  /** Time spent in optimizer steps since the run began, restored runs included. */
  readonly training_seconds: number;
  /** On several ranks: the part of the step's time in which this one did nothing but wait for gradients. */
  readonly communication_share?: number;
}

/** One pass over the validation spectra. */
export interface ValidationRecord {
  readonly kind: "validation";
  readonly epoch: number;
  readonly step: number;
  readonly loss: number;
  /** Mean training loss of the epoch, dropout on. */
  readonly train_loss: number;
  /** Loss of predicting the training set's class frequencies (or its mean, for a regression loss). */
  readonly baseline_loss: number;
  readonly is_best: boolean;
  readonly rows: number;
  readonly parameters: Readonly<Record<string, HeadScores>>;
  readonly training_seconds: number;
}

/** A line of `metrics.jsonl`. */
export type MetricsRecord = TrainRecord | ValidationRecord;
