/** Everything a run needs before its first step: data, network, the state it goes on from, and its reports. */

import { existsSync } from "node:fs";
import { loadCheckpointFile, loadNewestCheckpoint, lockRun, type RunLock, type StateTensor } from "../checkpoint";
import type { Config } from "../config";
import { resolveClassEdges } from "../data/classes";
import { mkdirP } from "../data/files";
import type { SpectrumSource } from "../data/source";
import type { Communicator } from "../distributed";
import { agree, requireEqual } from "../distributed/agree";
import { GradientReducer } from "../distributed/gradient-reducer";
import { selectEngine } from "../engine";
import { createModel } from "../model/create-model";
import { rescaleHeads } from "../model/rescale-heads";
import { respaceHeads } from "../model/respace-heads";
import { Adam } from "./adam";
import { explosionWatch } from "./anomaly";
import { openTraining, openValidation } from "./datasets";
import { type Evaluation, evaluatePrior, priorOf } from "./evaluate";
import { idleSettings } from "./idle-settings";
import { startLines } from "./log";
import { newProgress } from "./progress";
import { openReports, type Reports, type TrainEvent } from "./reports";
import { setOlderRunAside, writeConfig } from "./run-folder";
import { createSchedule } from "./schedule";
import { shareStart } from "./shared-start";
import { type Run, restoreSnapshot } from "./snapshot";

export interface OpenRun extends Run {
  readonly path: string;
  /** Keeps other runs out of the folder; null on the ranks that do not write there. */
  readonly lock: RunLock | null;
  readonly heldOut: SpectrumSource;
  /** What the prior alone scores on the held-out spectra. */
  readonly baseline: Evaluation;
  readonly stepsPerEpoch: number;
  /** See `explosionWatch`. */
  readonly watchLoss: (loss: number, step: number) => string | null;
  readonly reports: Reports;
  /** Sums gradients over ranks; null where there is one. */
  readonly reducer: GradientReducer | null;
  close(): Promise<void>;
}

export interface OpenRunOptions {
  readonly path: string;
  readonly restore: boolean;
  readonly onEvent: (event: TrainEvent) => void;
  readonly comm: Communicator;
}

/**
 * Opens a run; nothing is written before all that it needs has been found, on every rank.
 *
 * @throws {DataError} when the data or the folder cannot be used.
 * @throws {CheckpointError} when a checkpoint is damaged or belongs to another network or other data.
 * @throws {CommunicatorError} naming the rank when any of this happens on another one.
 */
export async function openRun(config: Config, options: OpenRunOptions): Promise<OpenRun> {
  const { path, restore, onEvent, comm } = options;
  const closers: (() => unknown)[] = [];
  const close = async (): Promise<void> => {
    for (const release of closers.splice(0).reverse()) await release();
  };
  try {
    const parts = await agree(comm, () => openParts(config, comm, closers));
    const { engine, data, heldOut, model, optimizer, schedule, stepsPerEpoch } = parts;
    await requireSameData(comm, [data, heldOut]);
    const baseline = evaluatePrior(priorOf(data, config.loss), heldOut, config.loss);
    const run: Run = { config, data, model, optimizer, schedule, progress: newProgress(), comm };

    let lock: RunLock | null = null;
    // Rank 0 alone reads and writes the folder; the others may not even see it.
    const found = await agree(comm, async () => {
      if (comm.rank > 0) return null;
      const takeLock = async (): Promise<void> => {
        lock = await lockRun(path);
        closers.push(lock.release);
      };
      const start = await findStart(run, path, restore, takeLock);
      await writeConfig(path, config);
      return start;
    });
    const { notes, isRestored } = await shareStart(comm, run, found);
    const { step } = run.progress;
    const reports = await agree(comm, () => {
      mkdirP(path);
      return openReports(path, { rank: comm.rank, restoredStep: isRestored ? step : null, onEvent });
    });
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
    if (comm.size > 1) reports.line(comm.describe());
    const lines = [...startLines({ ...about, engine, data }), ...idleSettings(config), ...notes];
    for (const line of lines) reports.line(line);
    const reducer = comm.size > 1 ? new GradientReducer(comm, model.parameters, config.deterministic) : null;
    const watchLoss = explosionWatch(baseline.loss);
    return { ...run, path, lock, heldOut, baseline, stepsPerEpoch, watchLoss, reports, reducer, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What every rank opens for itself. */
async function openParts(config: Config, comm: Communicator, closers: (() => unknown)[]) {
  const engine = await selectEngine(config.engine, {
    threads: config.threads ?? comm.threads,
    precision: config.precision,
  });
  const data = await openTraining(config);
  closers.push(() => data.close());
  const heldOut = await openValidation(config, data.points);
  closers.push(() => heldOut.close());
  const model = createModel(config, data.points);
  const optimizer = new Adam(model.parameters);
  closers.push(
    () => model.dispose(),
    () => optimizer.dispose(),
  );
  const stepsPerEpoch = Math.ceil(Math.ceil(data.rows / config.num_batchsize) / config.accumulate);
  return { engine, data, heldOut, model, optimizer, stepsPerEpoch, schedule: createSchedule(config, stepsPerEpoch) };
}

/** Machines may see different folders under one name. */
async function requireSameData(comm: Communicator, datasets: readonly SpectrumSource[]): Promise<void> {
  const words = datasets.map(({ fingerprint }) => Float32Array.from(Buffer.from(fingerprint, "hex")));
  const what = `the data in "${datasets[0]!.folder}"`;
  await requireEqual(comm, words, what, "every machine must see the same files under this name");
}

/** Restores the newest checkpoint, or makes room for a new run and takes over the weights it starts from. */
async function findStart(
  run: Run,
  path: string,
  restore: boolean,
  takeLock: () => Promise<void>,
): Promise<{ notes: string[]; isRestored: boolean }> {
  const { config, model, progress } = run;
  const notes: string[] = [];
  // A folder that is not there yet is made only when nothing can go wrong any more.
  const isOld = existsSync(path);
  if (isOld) {
    mkdirP(path);
    await takeLock();
  }
  if (restore && isOld) {
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
    model.loadStateDict(await initialWeights(config, config.init), config.init);
    notes.push(`starts from the weights in "${config.init}"`);
  }
  if (!isOld) {
    mkdirP(path);
    await takeLock();
  }
  const aside = setOlderRunAside(path);
  if (aside !== null) notes.push(`the older run in "${path}" was moved to its subfolder "${aside}"`);
  return { notes, isRestored: false };
}

/** The weights in a file; heads that it has other classes for take over their densities, or their values. */
async function initialWeights(config: Config, path: string): Promise<ReadonlyMap<string, StateTensor>> {
  const { model, settings } = await loadCheckpointFile(path);
  if (settings === null) return model;
  const old = settings.config;
  const takeOver = old.loss === "sparse_categorical_crossentropy" ? respaceHeads : rescaleHeads;
  return takeOver(model, resolveClassEdges(old.heads, old.edges), resolveClassEdges(config.heads, config.edges));
}
