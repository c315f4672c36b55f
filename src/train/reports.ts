/** Everything a run writes beside its checkpoints: log, metrics and TensorBoard events, and the events for listeners. */

import { type Log, openLog } from "./log";
import { openMetrics } from "./metrics-file";
import type { MetricsRecord } from "./records";
import { createEventWriter } from "./tensorboard";

/** What a run tells whoever listens while it goes. */
export type TrainEvent =
  | MetricsRecord
  | { readonly kind: "log"; readonly text: string }
  | { readonly kind: "checkpoint"; readonly path: string; readonly epoch: number; readonly step: number }
  | {
      readonly kind: "start";
      readonly epochs: number;
      /** Optimizer steps taken before, by the run that is continued; 0 for a new one. */
      readonly step: number;
      readonly stepsPerEpoch: number;
      readonly rows: number;
      readonly validationRows: number;
      readonly parameterCount: number;
      /** Loss of predicting the training set's class frequencies. */
      readonly baselineLoss: number;
      readonly engine: string;
    };

export interface Reports extends Log {
  /** Writes a record everywhere it belongs. */
  record(record: MetricsRecord): void;
}

/**
 * Opens the reports of the run in `dir`: all of them on rank 0, a log of its own on any other.
 *
 * @param restoredStep the step after which a restored run goes on; null for a new run.
 * @throws {DataError} when a file cannot be written.
 */
export async function openReports(
  dir: string,
  options: {
    readonly rank: number;
    readonly restoredStep: number | null;
    readonly onEvent: (event: TrainEvent) => void;
  },
): Promise<Reports> {
  const { rank, restoredStep, onEvent } = options;
  const log = openLog(dir, rank, (text) => onEvent({ kind: "log", text }));
  if (rank > 0) return { line: log.line, record: onEvent, close: log.close };
  const metrics = await openMetrics(dir, restoredStep ?? 0);
  const events = createEventWriter(dir, restoredStep === null ? {} : { purgeStep: restoredStep + 1 });
  return {
    line: log.line,
    record(record) {
      metrics.append(record);
      events.scalars(record.step, scalarsOf(record));
      onEvent(record);
    },
    close() {
      metrics.close();
      events.close();
      log.close();
    },
  };
}

function scalarsOf(record: MetricsRecord): Record<string, number> {
  if (record.kind === "train") {
    const { loss, learning_rate, gradient_norm, samples_per_s } = record;
    return {
      "train/loss": loss,
      "train/learning_rate": learning_rate,
      "train/gradient_norm": gradient_norm,
      "train/samples_per_s": samples_per_s,
    };
  }
  const scalars: Record<string, number> = {
    "validation/loss": record.loss,
    "validation/baseline_loss": record.baseline_loss,
    "epoch/train_loss": record.train_loss,
  };
  for (const [name, { accuracy, mae }] of Object.entries(record.parameters)) {
    scalars[`accuracy/${name}`] = accuracy;
    scalars[`mean_absolute_error/${name}`] = mae;
  }
  return scalars;
}
