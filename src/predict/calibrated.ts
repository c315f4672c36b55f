/** What a calibration is, and how it turns a network's scores into honest answers. */

import type { HeadName } from "../data/parameters";
import type { Neighbourhood } from "./familiarity";
import type { FeatureName } from "./held-out";

/** Measured on held-out simulations, kept in the model's file. */
export interface Calibration {
  /** Logits are divided by these. */
  readonly temperatures: ReadonlyMap<HeadName, number>;
  /** How much of the prior's logarithm is added then; above 0 where the network says more than it knows. */
  readonly priorWeights: ReadonlyMap<HeadName, number>;
  /** How often each class occurs in the training prior; sums to 1: [classes] */
  readonly prior: ClassShares;
  /** How much of a posterior its central intervals take, so that those of many stars cover 68 % and 95 % of the truths. */
  readonly intervalMasses: ReadonlyMap<HeadName, IntervalMasses>;
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
