/**
 * A step whose loss or gradient is no longer a number: where in the network it began, the batch kept for study, and
 * whether the run ends there (`on_nan`). The step is repeated to find out, so that sound steps pay nothing.
 */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { TorchFloat, TorchTensor, type TorchValue, writeTorchFile } from "../checkpoint";
import type { Batch } from "../data/source";
import { broadcastValue } from "../distributed/agree";
import type { OpenRun } from "./open-run";
import { batchGradients } from "./step";
import { targetsOf } from "./targets";

/** More steps than this in a row are not bad luck with single batches. */
const MAX_SKIPPED_IN_A_ROW = 10;

/** Batches kept in a run's folder; each holds the weights too. */
const MAX_SAVED = 3;

/** A loss this many times that of the prior alone is reported. */
const EXPLOSION_FACTOR = 3;

export interface BadStep {
  /** Rows of the epoch; those of the step lie between `progress.start` and `nextStart`. */
  readonly order: Uint32Array;
  readonly nextStart: number;
  readonly loss: number;
  readonly norm: number;
}

/**
 * Reports a step that was not applied, keeps its batch, and steps over it when the setting `on_nan` says so.
 *
 * @throws {Error} naming step, layer and batch when `on_nan` is `stop`, or after ten such steps in a row.
 */
export async function meetAnomaly(run: OpenRun, bad: BadStep): Promise<void> {
  const { comm, config, progress, reports } = run;
  const finding = await maybeFinding(run, bad);
  const what = Number.isFinite(bad.loss) ? `the gradient's norm is ${bad.norm}` : `the loss is ${bad.loss}`;
  const who = comm.size === 1 ? "" : ` by rank ${finding?.rank} on ${finding?.host}`;
  const place =
    finding === null ? "" : `; first seen${who} in ${finding.place}, rows ${finding.rows.slice(0, 3).join(", ")}...`;
  const kept = finding?.file ? `; the batch is kept in "${finding.file}"` : "";
  const text = `at step ${progress.step + 1} (epoch ${progress.epoch + 1}): ${what}${place}${kept}`;
  if (config.on_nan === "stop") {
    throw new Error(
      `Training diverged ${text}; lower max_lr or learning_rate, set clip_norm, or set on_nan to "skip"; the last ` +
        "checkpoint is untouched",
    );
  }
  if (progress.skippedInARow >= MAX_SKIPPED_IN_A_ROW) {
    throw new Error(
      `Training diverged ${text}, as in the ${MAX_SKIPPED_IN_A_ROW} steps before; the last checkpoint is untouched`,
    );
  }
  reports.line(`skipped the update ${text}`);
  progress.step++;
  progress.skippedInARow++;
  progress.skippedRows += bad.nextStart - progress.start;
  progress.start = bad.nextStart;
}

/**
 * Says once when losses leave the range in which training makes sense.
 *
 * @param baselineLoss of predicting the prior.
 * @returns takes each loss; gives a line for the log, or null.
 */
export function explosionWatch(baselineLoss: number): (loss: number, step: number) => string | null {
  const limit = EXPLOSION_FACTOR * Math.max(1, Math.abs(baselineLoss));
  let isReported = false;
  return (loss, step) => {
    if (isReported || !(loss > limit)) return null;
    isReported = true;
    const factor = (loss / Math.max(1, Math.abs(baselineLoss))).toPrecision(2);
    return `warning: the loss exploded at step ${step}: ${loss.toPrecision(4)}, ${factor} times that of the prior alone; lower max_lr or learning_rate`;
  };
}

/** What the first rank that found a fault in its part of the step tells the others. */
interface Finding {
  readonly rank: number;
  readonly host: string;
  readonly place: string;
  readonly rows: readonly string[];
  /** Holds the batch, unless enough are kept already. */
  readonly file: string | null;
}

/** Every rank looks, the first that finds something keeps its batch, and all say the same; null when none does. */
async function maybeFinding(run: OpenRun, bad: BadStep): Promise<Finding | null> {
  const { comm } = run;
  const fault = await findFault(run, bad);
  const rank = (await comm.gather(Float64Array.of(fault === null ? 0 : 1))).indexOf(1);
  if (rank === -1) return null;
  let own: Finding | null = null;
  if (fault !== null && comm.rank === rank) {
    const file = await maybeSave(run, fault, bad);
    own = { rank, host: comm.host, place: fault.place, rows: rowsOf(run, fault), file };
  }
  return broadcastValue(comm, own, rank);
}

/** Where a number that is none was seen first. */
interface Fault {
  readonly place: string;
  readonly batch: Batch;
  /** Position of the batch's first row in the order. */
  readonly start: number;
  /** Names the dropout masks. */
  readonly pass: { readonly seed: number; readonly step: number; readonly firstRow: number };
  readonly order: Uint32Array;
}

/** Repeats this rank's part of the step; null when all its numbers are finite. */
async function findFault(run: OpenRun, { order, nextStart }: BadStep): Promise<Fault | null> {
  const { comm, config, data, progress } = run;
  const options = {
    order: order.subarray(0, nextStart),
    batchSize: config.num_batchsize,
    start: progress.start,
    share: { index: comm.rank, count: comm.size },
  };
  let number = progress.step * config.accumulate;
  let start = progress.start;
  for await (const batch of data.batches(options)) {
    const pass = { seed: config.seed, step: number++, firstRow: batch.firstRow };
    const place = batch.size === 0 ? null : maybePlace(run, batch, pass);
    if (place !== null) return { place, batch, start: start + batch.firstRow, pass, order };
    start = batch.nextStart;
  }
  return null;
}

function maybePlace({ config, data, model }: OpenRun, batch: Batch, pass: Fault["pass"]): string | null {
  for (const [name, variable] of model.parameters) if (!isSound(variable)) return `parameter ${name}`;
  let place: string | null = null;
  tf.tidy(() => {
    const onLayer = (name: string, output: Tensor): void => {
      if (place === null && !isSound(output)) place = `the output of ${name}`;
    };
    model.forward(tf.tensor2d(batch.spectra, [batch.size, model.options.shape]), { training: pass, onLayer });
  });
  if (place !== null) return place;
  const targets = targetsOf(config.loss, batch, data.classEdges);
  const { loss, tensors } = batchGradients(model, config.loss, { ...batch, targets }, pass);
  if (!Number.isFinite(loss)) place = "the loss itself";
  // Backward comes from the heads: of the parameters with bad gradients, the last is nearest to where it began.
  const names = [...model.parameters.keys()];
  const bad = names.filter((_, index) => !isSound(tensors[index]!));
  tf.dispose(tensors);
  return place ?? (bad.length === 0 ? null : `the gradient of ${bad.at(-1)}`);
}

function isSound(tensor: Tensor): boolean {
  return (tensor.dataSync() as Float32Array).every(Number.isFinite);
}

/** The rows of the batch as `<file>[<row>]`. */
function rowsOf({ data }: OpenRun, { batch, start, order }: Fault): string[] {
  return Array.from(order.subarray(start, start + batch.size), (row) => {
    const { path, row: rowInShard } = data.location(row);
    return `${path}[${rowInShard}]`;
  });
}

/** Writes batch and weights as a `.pth` file that `torch.load` opens too; null when enough are kept already. */
async function maybeSave(run: OpenRun, fault: Fault, { loss, norm }: BadStep): Promise<string | null> {
  const { comm, config, data, model, path, progress } = run;
  if (readdirSync(path).filter((name) => name.startsWith("anomaly-")).length >= MAX_SAVED) return null;
  const { batch, pass } = fault;
  const targets = targetsOf(config.loss, batch, data.classEdges);
  const target = new TorchTensor(
    targets instanceof Int32Array ? "int32" : "float32",
    [batch.size, data.heads.length],
    targets,
  );
  const weights = [...model.stateDict()].map(
    ([name, { shape, data: values }]) => [name, new TorchTensor("float32", shape, values)] as const,
  );
  const file = join(path, `anomaly-step-${progress.step + 1}${comm.rank > 0 ? `-rank-${comm.rank}` : ""}.pth`);
  await writeTorchFile(
    file,
    new Map<string, TorchValue>([
      ["step", progress.step + 1],
      ["epoch", progress.epoch + 1],
      ["loss", new TorchFloat(loss)],
      ["gradient_norm", new TorchFloat(norm)],
      ["place", fault.place],
      ["rows", rowsOf(run, fault)],
      ["heads", [...data.heads]],
      ["spectra", new TorchTensor("float32", [batch.size, model.options.shape], batch.spectra)],
      ["targets", target],
      ["dropout", new Map(Object.entries(pass))],
      ["model_state_dict", new Map(weights)],
    ]),
  );
  return file;
}
