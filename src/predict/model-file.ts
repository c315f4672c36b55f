/** Writes a trained network as one file: weights, settings and calibration. */

import {
  type NetworkSettings,
  saveWeights,
  type TorchDict,
  TorchFloat,
  TorchTensor,
  type TorchValue,
} from "../checkpoint";
import { DictReader } from "../checkpoint/dict-reader";
import type { ClassEdges } from "../data/classes";
import { type HeadName, isHeadName } from "../data/parameters";
import { CheckpointError } from "../errors";
import type { Model } from "../model/model";
import type { Calibration, Correction, CorrectionAt, IntervalMasses } from "./calibrated";
import type { Neighbourhood } from "./familiarity";
import type { FeatureName } from "./held-out";

/** What a model file holds; what `openModel` gives fits. */
export interface ModelContents extends NetworkSettings {
  readonly model: Pick<Model, "stateDict">;
  readonly calibration: Calibration | null;
}

/**
 * Writes a network for `predict`, without the optimizer's state: a `.pth` file that `torch.load(weights_only=True)` reads.
 * Its dict has `model_state_dict`, `asterolab` (settings) and, with a calibration, `calibration`: `temperature` and
 * `prior_weight` and `interval_mass` (of the 68 % and 95 % intervals) by head, the same again under `by_oversampling` for
 * groups of stars, `prior` (class frequencies by head), `familiarity` and `rows`.
 *
 * @throws {CheckpointError} when it cannot be written.
 */
export async function saveModelFile(path: string, contents: ModelContents): Promise<void> {
  const { model, calibration, points } = contents;
  // Where the run began is a path of the machine that it ran on.
  const settings = { config: { ...contents.config, init: null }, points };
  await saveWeights(path, model.stateDict(), settings, calibration && calibrationToDict(calibration));
}

/** The dict under the key `calibration`. */
function calibrationToDict(calibration: Calibration): TorchDict {
  const { prior, byOversampling, familiarity, rows } = calibration;
  const float32 = (data: Float32Array, ...shape: number[]): TorchTensor => new TorchTensor("float32", shape, data);
  const groups = byOversampling.map((group, index): [string, TorchValue] => [
    String(index),
    new Map<string, TorchValue>([["oversampling", new TorchFloat(group.oversampling)], ...correctionEntries(group)]),
  ]);
  return new Map<string, TorchValue>([
    ...correctionEntries(calibration),
    ["by_oversampling", new Map(groups)],
    ["prior", new Map([...prior].map(([head, shares]) => [head, new TorchTensor("float64", [shares.length], shares)]))],
    [
      "familiarity",
      new Map(
        [...familiarity].map(([name, { mean, whitening, limit }]) => [
          name,
          new Map<string, TorchValue>([
            ["mean", float32(mean, mean.length)],
            ["whitening", float32(whitening, mean.length, mean.length)],
            ["limit", new TorchFloat(limit)],
          ]),
        ]),
      ),
    ],
    ["rows", rows],
  ]);
}

function correctionEntries({ temperatures, priorWeights, intervalMasses }: Correction): [string, TorchValue][] {
  const floats = (values: ReadonlyMap<HeadName, number>): TorchDict =>
    new Map([...values].map(([head, value]) => [head, new TorchFloat(value)]));
  const masses = [...intervalMasses].map(([head, both]): [string, TorchValue] => [
    head,
    new TorchTensor("float64", [2], Float64Array.from(both)),
  ]);
  return [
    ["temperature", floats(temperatures)],
    ["prior_weight", floats(priorWeights)],
    ["interval_mass", new Map(masses)],
  ];
}

/**
 * The calibration in a model file's dict.
 *
 * @param path names the file in errors.
 * @throws {CheckpointError} when a part is missing or does not fit the network's classes.
 */
export function calibrationFromDict(dict: TorchDict, classEdges: ClassEdges, path: string): Calibration {
  try {
    const reader = new DictReader(dict, "calibration");
    const correction = correctionFrom(reader, classEdges);
    const priors = reader.readerAt("prior");
    const prior = [...classEdges].map(([head, edges]) => {
      return [head, Float64Array.from(numbersAt(priors, head, edges.length - 1))] as const;
    });
    const familiarity = reader.readerAt("familiarity");
    const names = [...reader.dictAt("familiarity").keys()] as FeatureName[];
    return {
      ...correction,
      prior: new Map(prior),
      byOversampling: reader.has("by_oversampling") ? groupsFrom(reader, classEdges) : [],
      familiarity: new Map(names.map((name) => [name, neighbourhoodFrom(familiarity.readerAt(name))])),
      rows: reader.integer("rows"),
    };
  } catch (cause) {
    throw new CheckpointError(`Cannot load checkpoint "${path}": ${(cause as Error).message}`, path, { cause });
  }
}

function correctionFrom(reader: DictReader, classEdges: ClassEdges): Correction {
  const temperatures = numbersByHead(reader, "temperature");
  for (const [head, value] of temperatures) {
    if (!(value > 0)) throw new Error(`calibration.temperature.${head} is ${value}, expected a number above 0`);
  }
  return {
    temperatures,
    priorWeights: numbersByHead(reader, "prior_weight"),
    intervalMasses: reader.has("interval_mass") ? massesFrom(reader.readerAt("interval_mass"), classEdges) : new Map(),
  };
}

function groupsFrom(reader: DictReader, classEdges: ClassEdges): CorrectionAt[] {
  const groups = reader.readerAt("by_oversampling");
  const corrections = [...reader.dictAt("by_oversampling").keys()].map((key) => {
    const group = groups.readerAt(key);
    return { oversampling: group.number("oversampling"), ...correctionFrom(group, classEdges) };
  });
  for (const [index, { oversampling }] of corrections.entries()) {
    const before = index === 0 ? 0 : corrections[index - 1]!.oversampling;
    if (oversampling > before) continue;
    throw new Error(`calibration.by_oversampling.${index} is for ${oversampling}, expected a number above ${before}`);
  }
  return corrections;
}

function massesFrom(reader: DictReader, classEdges: ClassEdges): Map<HeadName, IntervalMasses> {
  return new Map(
    [...classEdges.keys()].map((head) => {
      const [mass68, mass95] = numbersAt(reader, head, 2) as unknown as IntervalMasses;
      if (mass68 > 0 && mass68 <= mass95 && mass95 <= 1) return [head, [mass68, mass95]];
      throw new Error(
        `calibration.interval_mass.${head} is ${mass68} and ${mass95}, expected two that rise, above 0 and at most 1`,
      );
    }),
  );
}

function neighbourhoodFrom(reader: DictReader): Neighbourhood {
  const size = reader.tensor("mean").data.length;
  return {
    mean: Float32Array.from(numbersAt(reader, "mean", size)),
    whitening: Float32Array.from(numbersAt(reader, "whitening", size * size)),
    limit: reader.number("limit"),
  };
}

function numbersAt(reader: DictReader, key: string, count: number): Float32Array | Float64Array {
  const { data } = reader.tensor(key);
  if (data instanceof Float32Array || data instanceof Float64Array) {
    if (data.length === count) return data;
  }
  throw new Error(`calibration: ${key} has ${data.length} elements, expected ${count} floating-point numbers`);
}

function numbersByHead(reader: DictReader, key: string): Map<HeadName, number> {
  return new Map(
    Object.entries(reader.readerAt(key).allNumbers()).map(([head, value]) => {
      if (isHeadName(head)) return [head, value];
      throw new Error(`calibration.${key} names the unknown head "${head}"`);
    }),
  );
}
