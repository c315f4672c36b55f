/** Between a run in memory and the state in its checkpoints. */

import { isDeepStrictEqual } from "node:util";
import type { LoadedCheckpoint, OneCycleState, TrainingState } from "../checkpoint";
import type { Config } from "../config";
import type { SpectrumSource } from "../data/source";
import type { Communicator } from "../distributed";
import { CheckpointError } from "../errors";
import type { Model } from "../model/model";
import { type Adam, BETA2, EPSILON } from "./adam";
import type { Progress } from "./progress";
import { type Schedule, scheduleStep } from "./schedule";

/** The parts of a run that a checkpoint holds. */
export interface Run {
  readonly config: Config;
  readonly data: SpectrumSource;
  readonly model: Model;
  readonly optimizer: Adam;
  readonly schedule: Schedule;
  readonly progress: Progress;
  readonly comm: Communicator;
}

/** Settings that give the parameters and their loss another meaning: a restored run cannot change them. */
const FIXED_SETTINGS = [
  "heads",
  "edges",
  "loss",
  "pos_enc",
  "filters",
  "kernel_size",
  "lstm_units",
  "dense_units",
  "normalize",
  "rebin",
  "summary",
] as const satisfies readonly (keyof Config)[];

/** Copies the run's state between two optimizer steps. */
export function snapshot({ config, data, model, optimizer, schedule, progress, comm }: Run): TrainingState {
  const step = scheduleStep(config, progress);
  const { learningRate, beta1 } = schedule.at(step);
  const oneCycle: OneCycleState = { step, totalSteps: schedule.totalSteps, maxLearningRate: config.max_lr };
  return {
    epoch: progress.epoch,
    step: progress.step,
    model: model.stateDict(),
    optimizer: { ...optimizer.state(), learningRate, beta1, beta2: BETA2, epsilon: EPSILON },
    scheduler: schedule.kind === "one_cycle" ? oneCycle : null,
    trainLoss: progress.trainLoss,
    valLoss: progress.valLoss,
    best: { valLoss: progress.best?.loss ?? null, epoch: progress.best?.epoch ?? null },
    epochsWithoutImprovement: progress.patience.waited,
    dataPosition: { epoch: progress.epoch, start: progress.start },
    sums: {
      epoch_loss_sum: progress.epochLossSum,
      skipped_rows: progress.skippedRows,
      skipped_in_a_row: progress.skippedInARow,
      patience_loss: progress.patience.loss,
      training_seconds: progress.trainingSeconds,
    },
    seed: config.seed,
    points: data.points,
    config,
    fingerprint: data.fingerprint,
    worldSize: comm.size,
  };
}

/**
 * Puts a checkpoint's state into a run; the schedule becomes that of the present settings at the same step.
 *
 * @returns one line for each setting that differs from the checkpoint's
 * @throws {CheckpointError} when the file holds no run, a run of another network, or one on other data.
 */
export function restoreSnapshot(run: Omit<Run, "schedule">, { path, state }: LoadedCheckpoint): string[] {
  const refuse = (reason: string): never => {
    throw new CheckpointError(`Cannot restore the run from "${path}": ${reason}`, path);
  };
  if (state === null) {
    return refuse("it holds weights but no run of Asterolab; to start from its weights, use the setting init");
  }
  for (const setting of FIXED_SETTINGS) {
    const [then, now] = [JSON.stringify(state.config[setting]), JSON.stringify(run.config[setting])];
    if (then !== now) {
      refuse(`it was trained with ${setting} ${then}, the setting now is ${now}; use --restore no for a new run`);
    }
  }
  if (state.points !== run.data.points) {
    refuse(
      `its network takes spectra of ${state.points} points, those of "${run.data.folder}" have ${run.data.points}`,
    );
  }
  if (state.fingerprint !== run.data.fingerprint) {
    refuse(
      `it was trained on other data than "${run.data.folder}" holds now; to go on with new data, start a new run with ` +
        `the setting init "${path}"`,
    );
  }
  run.model.loadStateDict(state.model, path);
  run.optimizer.load(state.optimizer);
  Object.assign(run.progress, progressOf(state));
  return changedSettings(state.config, run.config);
}

function progressOf(state: TrainingState): Progress {
  const { best } = state;
  return {
    epoch: state.epoch,
    step: state.step,
    start: state.dataPosition.start,
    epochLossSum: state.sums.epoch_loss_sum!,
    skippedRows: state.sums.skipped_rows ?? 0,
    skippedInARow: state.sums.skipped_in_a_row ?? 0,
    trainLoss: state.trainLoss,
    valLoss: state.valLoss,
    best: best.valLoss === null || best.epoch === null ? null : { loss: best.valLoss, epoch: best.epoch },
    patience: { loss: state.sums.patience_loss!, waited: state.epochsWithoutImprovement },
    trainingSeconds: state.sums.training_seconds!,
  };
}

function changedSettings(then: Config, now: Config): string[] {
  return (Object.keys(now) as (keyof Config)[])
    .filter((setting) => !isDeepStrictEqual(then[setting], now[setting]))
    .map((setting) => `${setting} was ${JSON.stringify(then[setting])}, is now ${JSON.stringify(now[setting])}`);
}
