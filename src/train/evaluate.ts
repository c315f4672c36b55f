/** Measures a network on a data set: dropout off, no gradients recorded. */

import type { Tensor, Tensor2D } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import type { Loss } from "../config";
import type { HeadName } from "../data/parameters";
import type { Batch, SpectrumSource } from "../data/source";
import type { Communicator } from "../distributed";
import { orderedSum } from "../distributed/agree";
import { adviseEvaluation, withinMemory } from "../engine/out-of-memory";
import { type Model, TRUNK } from "../model/model";
import { type HeadScores, HeadTally } from "./score";
import { targetsOf } from "./targets";

/** Means over all rows. */
export interface Evaluation {
  readonly rows: number;
  /** Sum of the heads' losses. */
  readonly loss: number;
  readonly parameters: Readonly<Record<string, HeadScores>>;
}

/** One constant output per head: what is known before a spectrum is seen. */
export type Prior = ReadonlyMap<HeadName, Float64Array>;

export interface EvaluateOptions {
  readonly loss: Loss;
  readonly batchSize: number;
  /** Ranks that share the rows; each gets the means over all of them. Default: this process alone. */
  readonly comm?: Communicator;
  /**
   * Called after each batch with the outputs of each head, [size, classes], and the trunk's activations, [size, D]; the
   * spectra hold during the call only.
   */
  readonly onBatch?: (batch: Batch, outputs: readonly Float32Array[], trunk: Float32Array) => void;
}

/**
 * Loss, accuracy and mean absolute error of each parameter over all rows of `dataset`.
 *
 * @throws {RangeError} when the network was made for another number of points.
 * @throws {DataError} when a row cannot be read.
 */
export async function evaluate(model: Model, dataset: SpectrumSource, options: EvaluateOptions): Promise<Evaluation> {
  const { loss, batchSize, comm } = options;
  const tallies = talliesOf(dataset, loss);
  const order = dataset.order(0, 0, false);
  const share = comm && { index: comm.rank, count: comm.size };
  for await (const batch of dataset.batches({ order, batchSize, reuseSpectra: true, ...(share && { share }) })) {
    if (batch.size === 0) continue;
    let trunk: Float32Array | null = null;
    const outputs = outputsOf(model, batch.spectra, batch.size, (activations) => {
      trunk = activations;
    });
    addRows(tallies, batch, (head, row) => rowOf(outputs[head]!, row, batch.size));
    options.onBatch?.(batch, outputs, trunk!);
    await yieldToEvents();
  }
  if (comm) await addRanks(tallies, comm);
  return summary(tallies);
}

/**
 * The outputs of each head, [size, classes] each, for spectra [size, points].
 *
 * @param onTrunk hears the trunk's activations, [size, D]
 * @throws OutOfMemoryError where they do not fit into the device's memory: it names how many do.
 */
export function outputsOf(
  model: Model,
  spectra: Float32Array,
  size: number,
  onTrunk?: (trunk: Float32Array) => void,
): Float32Array[] {
  const points = model.options.shape;
  const onLayer = (name: string, output: Tensor): void => {
    if (name === TRUNK) onTrunk?.((output.dataSync() as Float32Array).slice());
  };
  const forward = (rows: number): Float32Array[] =>
    tf.tidy(() => {
      const x: Tensor2D = tf.tensor2d(spectra.subarray(0, rows * points), [rows, points]);
      return model.forward(x, { onLayer }).map((output) => (output.dataSync() as Float32Array).slice());
    });
  return withinMemory(size, forward, () => {}, adviseEvaluation);
}

/**
 * The constant outputs that suit the labels of `dataset` best: the logarithms of its class frequencies (one row added
 * to each class, so that none is impossible), or the mean (and log variance) of its scaled values. A network that
 * learned nothing from the spectra can do no better.
 */
export function priorOf(dataset: SpectrumSource, loss: Loss): Prior {
  const heads = dataset.heads.length;
  const counts = [...dataset.classEdges.values()].map((edges) => new Float64Array(edges.length - 1).fill(1));
  const sums = new Float64Array(heads);
  const squares = new Float64Array(heads);
  for (let row = 0; row < dataset.rows; row++) {
    const labels = dataset.labels(row);
    if (loss === "sparse_categorical_crossentropy") {
      counts.forEach((count, head) => {
        count[labels[head]!]!++;
      });
      continue;
    }
    targetsOf(loss, { labels, values: dataset.values(row) }, dataset.classEdges).forEach((target, head) => {
      sums[head]! += target;
      squares[head]! += target * target;
    });
  }
  return new Map(
    dataset.heads.map((head, index) => {
      if (loss === "sparse_categorical_crossentropy") return [head, counts[index]!.map(Math.log)];
      const mean = sums[index]! / dataset.rows;
      return [head, Float64Array.of(mean, Math.log(Math.max(1e-12, squares[index]! / dataset.rows - mean * mean)))];
    }),
  );
}

/** What a prior alone scores on the labels of `dataset`: the baseline that a network has to beat. */
export function evaluatePrior(prior: Prior, dataset: SpectrumSource, loss: Loss): Evaluation {
  const tallies = talliesOf(dataset, loss);
  const outputs = dataset.heads.map((head) => prior.get(head)!);
  for (let row = 0; row < dataset.rows; row++) {
    const example = { labels: dataset.labels(row), values: dataset.values(row), size: 1 };
    addRows(tallies, example, (head) => outputs[head]!);
  }
  return summary(tallies);
}

/** Lets signals and timers in: awaiting data that is already there does not. */
export function yieldToEvents(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function talliesOf(dataset: SpectrumSource, loss: Loss): Map<HeadName, HeadTally> {
  return new Map([...dataset.classEdges].map(([head, edges]) => [head, new HeadTally(head, loss, edges)]));
}

function addRows(
  tallies: ReadonlyMap<HeadName, HeadTally>,
  { labels, values, size }: Pick<Batch, "labels" | "values" | "size">,
  outputs: (head: number, row: number) => ArrayLike<number>,
): void {
  [...tallies.values()].forEach((tally, head) => {
    for (let row = 0; row < size; row++) {
      const index = row * tallies.size + head;
      tally.add(outputs(head, row), labels[index]!, values[index]!);
    }
  });
}

/** Adds the sums of all ranks, weighted by nothing but their rows. */
async function addRanks(tallies: ReadonlyMap<HeadName, HeadTally>, comm: Communicator): Promise<void> {
  const list = [...tallies.values()];
  const own = list.flatMap(({ rows, lossSum, correct, errorSum }) => [rows, lossSum, correct, errorSum]);
  const sums = await orderedSum(comm, Float64Array.from(own));
  list.forEach((tally, head) => {
    const [rows, lossSum, correct, errorSum] = sums.subarray(4 * head, 4 * head + 4);
    Object.assign(tally, { rows, lossSum, correct, errorSum });
  });
}

function rowOf(outputs: Float32Array, row: number, size: number): Float32Array {
  const width = outputs.length / size;
  return outputs.subarray(row * width, (row + 1) * width);
}

function summary(tallies: ReadonlyMap<HeadName, HeadTally>): Evaluation {
  const parameters = Object.fromEntries([...tallies].map(([head, tally]) => [head, tally.means()]));
  const loss = Object.values(parameters).reduce((sum, scores) => sum + scores.loss, 0);
  return { rows: [...tallies.values()][0]!.rows, loss, parameters };
}
