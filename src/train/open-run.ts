/** Everything a run needs before its first step: data, network, the state it goes on from, and its reports. */

import { existsSync } from "node:fs";
import { loadCheckpointFile, loadNewestCheckpoint } from "../checkpoint";
import type { Config } from "../config";
import type { Dataset } from "../data/dataset";
import { mkdirP } from "../data/files";
import { selectEngine } from "../engine";
import { createModel } from "../model/create-model";
import { Adam } from "./adam";
import { openTraining, openValidation } from "./datasets";
import { type Evaluation, evaluatePrior, priorOf } from "./evaluate";
import { startLines } from "./log";
import { newProgress } from "./progress";
import { openReports, type Reports, type TrainEvent } from "./reports";
import { setOlderRunAside, writeConfig } from "./run-folder";
import { createSchedule } from "./schedule";
import { type Run, restoreSnapshot } from "./snapshot";

export interface OpenRun extends Run {
  readonly path: string;
  readonly heldOut: Dataset;
  /** What the prior alone scores on the held-out spectra. */
  readonly baseline: Evaluation;
  readonly stepsPerEpoch: number;
  readonly reports: Reports;
  close(): Promise<void>;
}

export interface OpenRunOptions {
  readonly path: string;
  readonly restore: boolean;
  readonly onEvent: (event: TrainEvent) => void;
}

/**
 * Opens a run; nothing is written before all that it needs has been found.
 *
 * @throws {DataError} when the data or the folder cannot be used.
 * @throws {CheckpointError} when a checkpoint is damaged or belongs to another network or other data.
 */
export async function openRun(config: Config, { path, restore, onEvent }: OpenRunOptions): Promise<OpenRun> {
  const closers: (() => unknown)[] = [];
  const close = async (): Promise<void> => {
    for (const release of closers.splice(0).reverse()) await release();
  };
  try {
    const engine = await selectEngine(config.engine, { threads: config.threads });
    const data = await openTraining(config);
    closers.push(() => data.close());
    const heldOut = await openValidation(config, data.points);
    closers.push(() => heldOut.close());
    const baseline = evaluatePrior(priorOf(data, config.loss), heldOut, config.loss);

    const model = createModel(config, data.points);
    const optimizer = new Adam(model.parameters);
    closers.push(
      () => model.dispose(),
      () => optimizer.dispose(),
    );
    const stepsPerEpoch = Math.ceil(Math.ceil(data.rows / config.num_batchsize) / config.accumulate);
    const schedule = createSchedule(config, stepsPerEpoch);
    const run: Run = { config, data, model, optimizer, schedule, progress: newProgress() };

    const { notes, isRestored } = await findStart(run, path, restore);
    await writeConfig(path, config);
    const { step } = run.progress;
    const reports = await openReports(path, { restoredStep: isRestored ? step : null, onEvent });
    closers.push(reports.close);
    const about = { engine: engine.describe(), parameterCount: model.parameterCount, stepsPerEpoch };
    onEvent({
      kind: "start",
      epochs: config.num_epochs,
      step,
      rows: data.rows,
      validationRows: heldOut.rows,
      baselineLoss: baseline.loss,
      ...about,
    });
    for (const line of [...startLines({ ...about, data }), ...notes]) reports.line(line);
    return { ...run, path, heldOut, baseline, stepsPerEpoch, reports, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Restores the newest checkpoint, or makes room for a new run and takes over the weights it starts from. */
async function findStart(run: Run, path: string, restore: boolean): Promise<{ notes: string[]; isRestored: boolean }> {
  const { config, model, progress } = run;
  const notes: string[] = [];
  // A folder that is not there yet is made only when nothing can go wrong any more.
  if (existsSync(path)) mkdirP(path);
  if (restore && existsSync(path)) {
    const checkpoint = await loadNewestCheckpoint(path, { onDamaged: (line) => notes.push(line), setAside: true });
    if (checkpoint !== null) {
      const changes = restoreSnapshot(run, checkpoint);
      notes.push(`continues from "${checkpoint.path}" after epoch ${progress.epoch}, step ${progress.step}`);
      notes.push(...changes.map((change) => `setting ${change}`));
      return { notes, isRestored: true };
    }
  }
  if (restore) notes.push(`no checkpoint in "${path}": a new run starts`);
  if (config.init !== null) {
    model.loadStateDict((await loadCheckpointFile(config.init)).model, config.init);
    notes.push(`starts from the weights in "${config.init}"`);
  }
  mkdirP(path);
  const aside = setOlderRunAside(path);
  if (aside !== null) notes.push(`the older run in "${path}" was moved to its subfolder "${aside}"`);
  return { notes, isRestored: false };
}
