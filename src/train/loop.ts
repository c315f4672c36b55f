/** The training run, top to bottom. */

import { setTimeout } from "node:timers/promises";
import type { Tensor } from "@tensorflow/tfjs-core";
import { saveCheckpoint, saveFinalModel } from "../checkpoint";
import type { Config } from "../config";
import { divisionOf } from "../data/division";
import { type Communicator, openWorld } from "../distributed";
import { maybeKernelHooks, stoppable } from "../kernel/hooks";
import { meetAnomaly } from "./anomaly";
import { evaluate, yieldToEvents } from "./evaluate";
import { iterationLine, validationLines } from "./log";
import { type OpenRun, openRun } from "./open-run";
import { noteValidation } from "./progress";
import type { TrainRecord, ValidationRecord } from "./records";
import type { TrainEvent } from "./reports";
import { scheduleStep } from "./schedule";
import { compareWeights } from "./shared-start";
import { isAnyStopping, shareGradients } from "./shared-step";
import { snapshot } from "./snapshot";
import { accumulate, applyGradients, batchGradients, type Gradients, noGradients } from "./step";
import { targetsOf } from "./targets";

/** Where a run lies, how it begins, and what hears of it. */
export interface TrainOptions {
  /** The run's folder; made when it is missing. */
  readonly path: string;
  /** Continue the run in the folder; a folder without one starts a new run. False: an older run is moved aside. */
  readonly restore: boolean;
  /**
   * Ends the run after the present optimizer step, or after an epoch's checkpoint, with everything saved. In a notebook,
   * an interrupt of the cell does the same.
   */
  readonly signal?: AbortSignal;
  /** Hears every step, validation, checkpoint and log line; on each rank its own. */
  readonly onEvent?: (event: TrainEvent) => void;
  /** The ranks that train together. Default: those that a launcher started with this process, or this process alone. */
  readonly comm?: Communicator;
}

/** How a run ended, and what it reached. */
export interface TrainResult {
  readonly path: string;
  /** Why the run ended: all epochs done, no improvement (early stopping), or the signal. */
  readonly stopped: "finished" | "early" | "interrupted";
  /** Epochs completed. */
  readonly epoch: number;
  /** Optimizer steps since the run began. */
  readonly step: number;
  /** Mean training loss of the last completed epoch. */
  readonly trainLoss: number | null;
  readonly best: { readonly loss: number; readonly epoch: number } | null;
  /** Loss of predicting the training set's class frequencies. */
  readonly baselineLoss: number;
  /** The last validation of this call; null when it made none. */
  readonly validation: ValidationRecord | null;
}

/**
 * Trains a network as `config` says and writes the run into a folder: `config.json`, `metrics.jsonl`, TensorBoard
 * events, a log, and checkpoints from which `restore` goes on with the very numbers that an unbroken run gives.
 *
 * @throws {DataError} when the data cannot be used or a file cannot be written.
 * @throws {CheckpointError} when a checkpoint is damaged or belongs to another network or other data.
 * @throws {CommunicatorError} on several ranks, when they hold different data or weights. A rank that fails while the
 *   others train ends all of them.
 * @throws {Error} naming step, layer and batch when the loss or the gradient is no longer a number (unless `on_nan` is
 *   `skip`); the last checkpoint stays.
 */
export async function train(config: Config, options: TrainOptions): Promise<TrainResult> {
  const { path, restore, onEvent = () => undefined, comm = await openWorld() } = options;
  const run = await openRun(config, { path, restore, onEvent, comm });
  const { signal, release } = stoppable(options.signal);
  try {
    const { progress, reports } = run;
    let validation: ValidationRecord | null = null;
    let savedStep = progress.step;
    const save = async (epochEnd: { readonly isBest: boolean } | null): Promise<void> => {
      savedStep = progress.step;
      if (comm.rank > 0) return;
      await run.lock?.check();
      const kind = { isEpochEnd: epochEnd !== null, isBest: epochEnd?.isBest ?? false, keep: config.keep };
      const paths = await saveCheckpoint(path, snapshot(run), kind);
      onEvent({ kind: "checkpoint", path: paths.at(-1)!, epoch: progress.epoch, step: progress.step });
    };
    const isOutOfPatience = (): boolean => progress.patience.waited >= (config.early_stopping?.patience ?? Infinity);

    while (progress.epoch < config.num_epochs && !isOutOfPatience() && !(await isAnyStopping(comm, signal))) {
      const epoch = progress.epoch + 1;
      const isComplete = await trainEpoch(run, save, signal);
      if (!isComplete) break;

      const trainLoss = progress.epochLossSum / (progress.start - progress.skippedRows);
      let isBest = false;
      if (epoch % config.validation.every_epochs === 0 || epoch === config.num_epochs) {
        validation = await validate(run, trainLoss);
        isBest = validation.is_best;
      } else {
        reports.line(`epoch ${epoch}/${config.num_epochs}  training loss ${trainLoss.toFixed(4)}`);
      }
      Object.assign(progress, { epoch, start: 0, epochLossSum: 0, skippedRows: 0, trainLoss });
      await compareWeights(comm, run.model, `the weights after step ${progress.step}`);
      await save({ isBest });
    }

    const isFinished = progress.epoch >= config.num_epochs;
    const stopped = isFinished ? "finished" : isOutOfPatience() ? "early" : "interrupted";
    if (stopped === "interrupted") {
      if (savedStep !== progress.step) await save(null);
      reports.line(`interrupted after step ${progress.step}; --restore yes goes on from here`);
    } else {
      const model = comm.rank === 0 ? await saveFinalModel(path, snapshot(run)) : null;
      const early = stopped === "early" ? `, no better for ${progress.patience.waited} validations` : "";
      const where = model === null ? "" : `; weights in "${model}"`;
      reports.line(`done: ${progress.epoch} epochs, ${progress.step} steps${early}${where}`);
    }
    await comm.barrier();
    const { epoch, step, trainLoss, best } = progress;
    return { path, stopped, epoch, step, trainLoss, best, baselineLoss: run.baseline.loss, validation };
  } catch (error) {
    return await endAllRanks(run, error);
  } finally {
    await run.close();
    release();
  }
}

/**
 * The optimizer steps that are left of an epoch.
 *
 * @returns false when the signal ended it before its last row.
 */
async function trainEpoch(
  run: OpenRun,
  save: (epochEnd: null) => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { comm, config, data, model, optimizer, progress, reducer, reports, schedule } = run;
  const order = data.order(config.seed, progress.epoch, config.shuffle);
  let gradients: Gradients | null = null;
  let pending = 0; // batches in `gradients`
  let sinceLog = { loss: 0, seconds: 0, steps: 0 };
  let startedAt = performance.now();

  // Each rank takes its rows of every batch: what a step learns from does not depend on the number of ranks.
  const share = { index: comm.rank, count: comm.size };
  const batches = { order, batchSize: config.num_batchsize, start: progress.start, reuseSpectra: true, share };
  let isStopping = false;
  let waitedBefore = reducer?.visibleSeconds ?? 0;
  for await (const batch of data.batches(batches)) {
    // Forward, loss and backward; the masks of dropout are named by the seed, the batch's number in the run and the row.
    const targets = targetsOf(config.loss, batch, data.classEdges);
    const masks = { seed: config.seed, step: progress.step * config.accumulate + pending, firstRow: batch.firstRow };
    const division = divisionOf(batch.wholeSize, share);
    const { position } = division;
    // Gradients travel while backward goes on.
    const onGradient = reducer && ((name: string, gradient: Tensor) => reducer.add(name, gradient, position));
    const pass = { ...masks, division, ...(onGradient && { onGradient }) };
    const isIdle = batch.size === 0;
    const own = isIdle ? noGradients(model) : batchGradients(model, config.loss, { ...batch, targets }, pass);
    const asked = signal?.aborted ?? false;
    const ofBatch = reducer
      ? await shareGradients({ comm, model, reducer }, own, { isSent: !isIdle, isStopping: asked })
      : { ...own, isStopping: asked };
    isStopping ||= ofBatch.isStopping;
    gradients = config.accumulate === 1 ? ofBatch : accumulate(gradients, ofBatch);
    pending++;
    const isLast = batch.nextStart >= order.length;
    if (pending < config.accumulate && !isLast) continue;

    // Clipping and Adam on the mean over all spectra of the step.
    const value = schedule.at(scheduleStep(config, progress));
    const { loss, size, tensors } = gradients;
    const divisor = config.accumulate === 1 ? 1 : size;
    const norm = applyGradients(optimizer, tensors, { value, clipNorm: config.clip_norm, divisor, loss });
    gradients = null;
    pending = 0;
    if (!Number.isFinite(loss) || !Number.isFinite(norm)) {
      await meetAnomaly(run, { order, nextStart: batch.nextStart, loss, norm });
      startedAt = performance.now();
      continue;
    }

    const seconds = (performance.now() - startedAt) / 1000;
    progress.step++;
    progress.skippedInARow = 0;
    progress.start = batch.nextStart;
    progress.epochLossSum += loss * size;
    progress.trainingSeconds += seconds;
    const record: TrainRecord = {
      kind: "train",
      epoch: progress.epoch + 1,
      step: progress.step,
      loss,
      learning_rate: value.learningRate,
      beta1: value.beta1,
      gradient_norm: norm,
      samples_per_s: size / seconds,
      training_seconds: progress.trainingSeconds,
      ...(reducer && { communication_share: (reducer.visibleSeconds - waitedBefore) / seconds }),
    };
    reports.record(record);
    const warning = run.watchLoss(loss, progress.step);
    if (warning !== null) reports.line(warning);

    sinceLog = { loss: sinceLog.loss + loss, seconds: sinceLog.seconds + seconds, steps: sinceLog.steps + 1 };
    if (progress.step % config.log_every === 0) {
      reports.line(
        iterationLine({
          epoch: record.epoch,
          epochs: config.num_epochs,
          shard: batch.shard,
          iteration: Math.ceil(progress.start / (config.num_batchsize * config.accumulate)),
          iterations: run.stepsPerEpoch,
          meanLoss: sinceLog.loss / sinceLog.steps,
          batchSizePerRank: batch.size,
          globalBatchSize: size,
          secondsPerIteration: sinceLog.seconds / sinceLog.steps,
          trainingSeconds: progress.trainingSeconds,
        }),
      );
      sinceLog = { loss: 0, seconds: 0, steps: 0 };
    }

    if (progress.step % config.compare_every === 0) {
      await compareWeights(comm, model, `the weights after step ${progress.step}`);
    }
    // The checkpoint after an epoch comes with its validation.
    if (progress.step % (config.checkpoint_every_steps ?? Infinity) === 0 && !isLast) await save(null);
    await yieldToEvents();
    // Other ranks must have heard of the signal too.
    if ((isStopping || (reducer === null && signal?.aborted)) && !isLast) return false;
    startedAt = performance.now();
    waitedBefore = reducer?.visibleSeconds ?? 0;
  }
  return true;
}

/** Measures the network on the held-out spectra at the end of an epoch. */
async function validate(run: OpenRun, trainLoss: number): Promise<ValidationRecord> {
  const { config, progress, reports } = run;
  const { loss, rows, parameters } = await evaluate(run.model, run.heldOut, {
    loss: config.loss,
    batchSize: config.num_batchsize,
    ...(run.comm.size > 1 && { comm: run.comm }),
  });
  const record: ValidationRecord = {
    kind: "validation",
    epoch: progress.epoch + 1,
    step: progress.step,
    loss,
    train_loss: trainLoss,
    baseline_loss: run.baseline.loss,
    is_best: noteValidation(progress, loss, config.early_stopping?.min_delta ?? 0),
    rows,
    parameters,
    training_seconds: progress.trainingSeconds,
  };
  reports.record(record);
  for (const line of validationLines(record, config.num_epochs)) reports.line(line);
  return record;
}

/**
 * The others would wait for this rank for ever. Errors that all ranks share are told by rank 0, which goes first. In a
 * notebook, the kernel tells the others.
 */
async function endAllRanks({ comm, reports }: OpenRun, error: unknown): Promise<never> {
  if (comm.size === 1) throw error;
  const reason = error instanceof Error ? error.message : String(error);
  try {
    reports.line(`failed: ${reason}`);
  } catch {
    // Where the disk is full, the log is as well.
  }
  if (maybeKernelHooks() !== undefined) throw error;
  if (comm.rank > 0) await setTimeout(1000);
  return comm.abort(reason);
}
