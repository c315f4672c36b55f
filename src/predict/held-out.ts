/** What a network says about labelled spectra that it was not trained on: the material of calibration and assessment. */

import type { Filter } from "../config";
import type { ClassEdges } from "../data/classes";
import { comparison } from "../data/comparison";
import type { HeadName } from "../data/parameters";
import type { Batch, SpectrumSource } from "../data/source";
import type { Model } from "../model/model";
import { type Evaluation, evaluate } from "../train/evaluate";
import { oversamplingOf, STATISTICS, writeSpectrumStatistics } from "./spectrum-summary";

/** Rows of a data set with the network's answers; arrays are row by row. */
export interface HeldOut {
  readonly rows: number;
  readonly classEdges: ClassEdges;
  /** True classes: [rows * heads] */
  readonly labels: Int32Array;
  /** True values in the parameters' units: [rows * heads] */
  readonly values: Float64Array;
  /** By head: [rows * classes], as the network gives them. */
  readonly logits: ReadonlyMap<HeadName, Float32Array>;
  /** What describes a star as a whole, by name: the trunk's activations and statistics of its spectrum. */
  readonly features: ReadonlyMap<FeatureName, Features>;
}

export type FeatureName = "trunk" | "spectrum";

/** One vector per row: [rows * size] */
export interface Features {
  readonly size: number;
  readonly values: Float32Array;
}

/** How a network's answers are collected. */
export interface CollectOptions {
  readonly batchSize?: number;
  /** Called with the number of rows done. */
  readonly onProgress?: (done: number) => void;
}

/**
 * Evaluates a classification network on all rows of `source` and keeps its answers.
 *
 * @throws {DataError} when a row cannot be read.
 */
export async function collectHeldOut(
  model: Model,
  source: SpectrumSource,
  { batchSize = 32, onProgress }: CollectOptions = {},
): Promise<{ readonly heldOut: HeldOut; readonly evaluation: Evaluation }> {
  const heads = source.heads.length;
  const { rows, classEdges } = source;
  const labels = new Int32Array(rows * heads);
  const values = new Float64Array(rows * heads);
  const logits = new Map(
    [...classEdges].map(([head, edges]): [HeadName, Float32Array] => [
      head,
      new Float32Array(rows * (edges.length - 1)),
    ]),
  );
  const trunk = { size: model.options.denseUnits, values: new Float32Array(rows * model.options.denseUnits) };
  const spectrum = { size: STATISTICS, values: new Float32Array(rows * STATISTICS) };
  let done = 0;
  const keep = (batch: Batch, outputs: readonly Float32Array[], trunkOfBatch: Float32Array): void => {
    labels.set(batch.labels, done * heads);
    values.set(batch.values, done * heads);
    let head = 0;
    for (const all of logits.values()) all.set(outputs[head++]!, done * (all.length / rows));
    trunk.values.set(trunkOfBatch, done * trunk.size);
    const inputs = batch.spectra.length / batch.size;
    for (let row = 0; row < batch.size; row++) {
      const input = batch.spectra.subarray(row * inputs, (row + 1) * inputs);
      writeSpectrumStatistics(input, spectrum.values, (done + row) * STATISTICS);
    }
    done += batch.size;
    onProgress?.(done);
  };
  const loss = "sparse_categorical_crossentropy";
  const evaluation = await evaluate(model, source, { loss, batchSize, onBatch: keep });
  const features = new Map<FeatureName, Features>([
    ["trunk", trunk],
    ["spectrum", spectrum],
  ]);
  return { heldOut: { rows, classEdges, labels, values, logits, features }, evaluation };
}

/** The logits of one head for one row: [classes] */
export function logitsOfRow(heldOut: HeldOut, head: HeadName, row: number): Float32Array {
  const all = heldOut.logits.get(head)!;
  const classes = all.length / heldOut.rows;
  return all.subarray(row * classes, (row + 1) * classes);
}

/** How many bins of a row's spectrum make one that is independent: more, the shorter the star was observed. */
export function oversamplingOfRow({ features }: HeldOut, row: number): number {
  const spectrum = features.get("spectrum");
  if (spectrum === undefined) return 1;
  const { size, values } = spectrum;
  return oversamplingOf(values.subarray(row * size, (row + 1) * size));
}

/** Every second row, from `first` on: two halves that are alike however the rows are sorted over longer stretches. */
export function halfOfRows(rows: number, first: 0 | 1): Uint32Array {
  return Uint32Array.from({ length: Math.ceil((rows - first) / 2) }, (_, index) => 2 * index + first);
}

/** The rows whose true values pass all conditions on the network's own parameters. */
export function rowsWhere({ rows, classEdges, values }: HeldOut, filters: readonly Filter[]): Uint32Array {
  const heads: readonly (HeadName | number)[] = [...classEdges.keys()];
  const conditions = filters.map((filter) => {
    const column = heads.indexOf(filter.column);
    if (column >= 0) return { column, holds: comparison(filter.op, filter.value) };
    throw new RangeError(`Cannot filter by ${filter.column}: expected one of the network's heads, ${heads.join(", ")}`);
  });
  return allRows(rows).filter((row) =>
    conditions.every(({ column, holds }) => holds(values[row * heads.length + column]!)),
  );
}

/** All rows. */
export function allRows(rows: number): Uint32Array {
  return Uint32Array.from({ length: rows }, (_, row) => row);
}
