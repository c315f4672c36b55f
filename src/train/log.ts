/** The run's log in words: the reference's lines, to `rank-<n>.log` and to whoever listens. */

import { join } from "node:path";
import { labelReportLines } from "../data/label-report";
import { type HeadName, PARAMETERS } from "../data/parameters";
import type { SpectrumSource } from "../data/source";
import { type Engine, engineLines } from "../engine";
import { openAppend } from "./append-file";
import type { ValidationRecord } from "./records";

export interface Log {
  line(text: string): void;
  close(): void;
}

/** Opens `rank-<rank>.log` in `dir` for appending; each line carries the time, listeners get the text alone. */
export function openLog(dir: string, rank: number, onLine?: (text: string) => void): Log {
  const file = openAppend(join(dir, `rank-${rank}.log`));
  return {
    line(text) {
      file.write(`${new Date().toISOString()} ${text}\n`);
      onLine?.(text);
    },
    close: file.close,
  };
}

export interface IterationLine {
  readonly epoch: number;
  readonly epochs: number;
  readonly shard: number;
  readonly iteration: number;
  readonly iterations: number;
  /** Over the iterations since the last line. */
  readonly meanLoss: number;
  readonly batchSizePerRank: number;
  readonly globalBatchSize: number;
  readonly secondsPerIteration: number;
  readonly trainingSeconds: number;
}

/** The reference's line within an epoch. */
export function iterationLine(line: IterationLine): string {
  return [
    `epoch ${line.epoch}/${line.epochs}`,
    `shard ${line.shard}`,
    `iteration ${line.iteration}/${line.iterations}`,
    `mean loss ${line.meanLoss.toFixed(4)}`,
    `batch ${line.batchSizePerRank} local, ${line.globalBatchSize} global`,
    `${line.secondsPerIteration.toFixed(3)} s per iteration`,
    `training time ${line.trainingSeconds.toFixed(1)} s`,
  ].join("  ");
}

/** The reference's lines after an epoch: both losses, then accuracy and mean absolute error of each parameter. */
export function validationLines(record: ValidationRecord, epochs: number): string[] {
  const head =
    `epoch ${record.epoch}/${epochs}  training loss ${record.train_loss.toFixed(4)}  ` +
    `validation loss ${record.loss.toFixed(4)} (prior alone ${record.baseline_loss.toFixed(4)})` +
    (record.is_best ? "  best so far" : "");
  const parameters = Object.entries(record.parameters).map(([name, { accuracy, mae }]) => {
    const unit = PARAMETERS[name as HeadName].unit;
    const error = `${mae.toPrecision(3)}${unit ? ` ${unit}` : ""}`;
    return `  ${name.padEnd(5)}  accuracy ${(100 * accuracy).toFixed(1).padStart(5)} %  mean absolute error ${error}`;
  });
  return [head, ...parameters];
}

/** What a run starts with: engine, network, data and what the data lost on the way in. */
export function startLines(start: {
  readonly engine: Pick<Engine, "describe" | "warning">;
  readonly parameterCount: number;
  readonly stepsPerEpoch: number;
  readonly data: SpectrumSource;
}): string[] {
  const { data } = start;
  const { rowsRead, rowsKept } = data.report;
  return [
    ...engineLines(start.engine),
    `network of ${start.parameterCount} parameters for spectra of ${data.points} points, heads ${data.heads.join(" ")}`,
    `${rowsKept} of ${rowsRead} spectra in "${data.folder}", ${start.stepsPerEpoch} steps an epoch`,
    ...labelReportLines(data.report),
  ];
}
