/** What a calibration is, and how it turns a network's scores into honest answers. */

import type { HeadName } from "../data/parameters";
import type { Neighbourhood } from "./familiarity";
import type { FeatureName } from "./held-out";

/** What is changed of a network's answers, head by head. */
export interface Correction {
  /** Logits are divided by these. */
  readonly temperatures: ReadonlyMap<HeadName, number>;
  /** How much of the prior's logarithm is added then; above 0 where the network says more than it knows. */
  readonly priorWeights: ReadonlyMap<HeadName, number>;
  /** How much of a posterior its central intervals take, so that those of many stars cover 68 % and 95 % of the truths. */
  readonly intervalMasses: ReadonlyMap<HeadName, IntervalMasses>;
}

/** A correction that suits spectra whose bins are as far apart. */
export interface CorrectionAt extends Correction {
  /** Bins of the spectrum to one independent of them, see `oversamplingOf`. */
  readonly oversampling: number;
}

/** Measured on held-out simulations, kept in the model's file. */
export interface Calibration extends Correction {
  /** How often each class occurs in the training prior; sums to 1: [classes] */
  readonly prior: ClassShares;
  /**
   * The correction by how long stars were observed, rising in oversampling: a network that has seen few short observations
   * is surer of them than it should be. Empty: the same correction for all.
   */
  readonly byOversampling: readonly CorrectionAt[];
  /** What stars of the training prior look like. */
  readonly familiarity: ReadonlyMap<FeatureName, Neighbourhood>;
  /** The number of spectra it was measured on. */
  readonly rows: number;
}

/** A probability per class and head: [classes] */
export type ClassShares = ReadonlyMap<HeadName, Float64Array>;

/** The probabilities inside the intervals that are called 68 % and 95 %. */
export type IntervalMasses = readonly [mass68: number, mass95: number];

/** Those of posteriors that are taken at their word. */
export const PLAIN_MASSES: IntervalMasses = [0.68, 0.95];

/** The calibration for one spectrum: between two measured corrections, even steps in the logarithm of oversampling. */
export function calibrationAt(calibration: Calibration, oversampling: number): Calibration {
  const { byOversampling } = calibration;
  if (byOversampling.length === 0) return calibration;
  const above = byOversampling.findIndex((correction) => correction.oversampling >= oversampling);
  if (above === 0) return { ...calibration, ...byOversampling[0]! };
  if (above < 0) return { ...calibration, ...byOversampling.at(-1)! };
  const [low, high] = [byOversampling[above - 1]!, byOversampling[above]!];
  const share = Math.log(oversampling / low.oversampling) / Math.log(high.oversampling / low.oversampling);
  const between = (from: number, to: number): number => from + share * (to - from);
  return {
    ...calibration,
    temperatures: mixed(low.temperatures, high.temperatures, (from, to) => from * (to / from) ** share),
    priorWeights: mixed(low.priorWeights, high.priorWeights, between),
    intervalMasses: mixed(low.intervalMasses, high.intervalMasses, (from, to) => [
      between(from[0], to[0]),
      between(from[1], to[1]),
    ]),
  };
}

function mixed<T>(low: ReadonlyMap<HeadName, T>, high: ReadonlyMap<HeadName, T>, mix: (low: T, high: T) => T) {
  return new Map([...low].map(([head, value]) => [head, mix(value, high.get(head) ?? value)]));
}

/** Logits that a softmax turns into calibrated probabilities: [classes]. Without a calibration, as they are. */
export function calibratedLogits(
  head: HeadName,
  logits: ArrayLike<number>,
  calibration: Pick<Calibration, "temperatures" | "priorWeights" | "prior"> | null,
): ArrayLike<number> {
  const temperature = calibration?.temperatures.get(head);
  if (calibration === null || temperature === undefined) return logits;
  const weight = calibration.priorWeights.get(head) ?? 0;
  const prior = calibration.prior.get(head);
  if (weight === 0 || prior === undefined) return Float64Array.from(logits, (logit) => logit / temperature);
  return Float64Array.from(logits, (logit, index) => logit / temperature + weight * Math.log(prior[index]!));
}
