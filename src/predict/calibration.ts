/** Fits a calibration to held-out stars: temperatures, weights of the prior, intervals and the neighbourhood. */

import type { HeadName } from "../data/parameters";
import type { SpectrumSource } from "../data/source";
import type { Model } from "../model/model";
import {
  type Calibration,
  type ClassShares,
  type Correction,
  type CorrectionAt,
  calibratedLogits,
  type IntervalMasses,
  PLAIN_MASSES,
} from "./calibrated";
import { positionOf } from "./coverage";
import { fitNeighbourhood, type Neighbourhood } from "./familiarity";
import {
  allRows,
  type CollectOptions,
  collectHeldOut,
  type FeatureName,
  type HeldOut,
  logitsOfRow,
  oversamplingOfRow,
} from "./held-out";
import { softmax } from "./posteriors";

/** Of the simulated stars, this part counts as unusual, over all neighbourhoods together. */
export const UNUSUAL_SHARE = 0.005;

/** How a calibration is fitted. */
export interface CalibrateOptions extends CollectOptions {
  /** Labels of many more stars of the training prior; their spectra are not read. Default: those of `source`. */
  readonly prior?: LabelSource;
}

/** The part of a source that class frequencies need. */
export type LabelSource = Pick<SpectrumSource, "rows" | "classEdges" | "labels">;

/**
 * Calibrates a network on spectra that it was not trained on, drawn from its training prior.
 *
 * @throws {DataError} when a row cannot be read.
 */
export async function calibrate(
  model: Model,
  source: SpectrumSource,
  options: CalibrateOptions = {},
): Promise<Calibration> {
  const { heldOut } = await collectHeldOut(model, source, options);
  return fitCalibration(heldOut, { ...(options.prior && { prior: classShares(options.prior) }) });
}

export interface FitOptions {
  /** The rows to fit to; default: all. */
  readonly rows?: Uint32Array;
  /**
   * Class frequencies of the training prior, from other stars. Default: those of the rows; then no weight of the prior is
   * fitted, as it would be fitted to the labels that it is counted on.
   */
  readonly prior?: ClassShares;
}

/** The calibration that suits the given rows best. */
export function fitCalibration(heldOut: HeldOut, options: FitOptions = {}): Calibration {
  const { rows = allRows(heldOut.rows) } = options;
  const heads = [...heldOut.classEdges.keys()];
  const labelsOf = (row: number): Int32Array => heldOut.labels.subarray(row * heads.length, (row + 1) * heads.length);
  const prior =
    options.prior ?? classShares({ ...heldOut, rows: rows.length, labels: (index) => labelsOf(rows[index]!) });
  const correct = (own: Uint32Array): Correction => fitCorrection(heldOut, own, prior, options.prior !== undefined);
  const share = 1 - UNUSUAL_SHARE / heldOut.features.size;
  const familiarity = [...heldOut.features].flatMap(([name, { size, values }]): [FeatureName, Neighbourhood][] => {
    const neighbourhood = fitNeighbourhood(values, size, rows, share);
    return neighbourhood === null ? [] : [[name, neighbourhood]];
  });
  const groups = OVERSAMPLINGS.slice(1).flatMap((to, index): CorrectionAt[] => {
    const from = OVERSAMPLINGS[index]!;
    const own = rows.filter((row) => from <= oversamplingOfRow(heldOut, row) && oversamplingOfRow(heldOut, row) < to);
    if (own.length < LEAST_GROUP) return [];
    const logs = Array.from(own, (row) => Math.log(oversamplingOfRow(heldOut, row)));
    return [{ oversampling: Math.exp(logs.reduce((sum, log) => sum + log, 0) / own.length), ...correct(own) }];
  });
  return {
    ...correct(rows),
    prior,
    byOversampling: groups.length < 2 ? [] : groups,
    familiarity: new Map(familiarity),
    rows: rows.length,
  };
}

/** Where groups of about equally long observations end: 150 days and less with a bin of 1 / 500 days, say, from 3 on. */
const OVERSAMPLINGS = [1, 2, 4, 8, 14, Infinity];
/** Fewer stars tell a coverage of 68 % to no better than 3 %. */
const LEAST_GROUP = 250;

/** @param isPriorKnown a weight of the prior is fitted: it was not counted on these rows */
function fitCorrection(heldOut: HeldOut, rows: Uint32Array, prior: ClassShares, isPriorKnown: boolean): Correction {
  const heads = [...heldOut.classEdges.keys()];
  const fits = heads.map((head, column): [HeadName, ScoreFit] => {
    const logits = Array.from(rows, (row) => logitsOfRow(heldOut, head, row));
    const labels = Int32Array.from(rows, (row) => heldOut.labels[row * heads.length + column]!);
    return [head, fitScores(logits, labels, isPriorKnown ? prior.get(head) : undefined)];
  });
  const scores = {
    temperatures: new Map(fits.map(([head, { temperature }]) => [head, temperature])),
    priorWeights: new Map(fits.map(([head, { priorWeight }]) => [head, priorWeight])),
    prior,
  };
  const masses = [...heldOut.classEdges].map(([head, edges], column): [HeadName, IntervalMasses] => {
    const positions = Float64Array.from(rows, (row) => {
      const probabilities = softmax(calibratedLogits(head, logitsOfRow(heldOut, head, row), scores));
      return positionOf(head, probabilities, edges, heldOut.values[row * heads.length + column]!, row);
    });
    return [head, fitMasses(positions)];
  });
  const { temperatures, priorWeights } = scores;
  return { temperatures, priorWeights, intervalMasses: new Map(masses) };
}

/**
 * The central parts of the posteriors that hold 68 % and 95 % of the truths (quantile recalibration, Kuleshov+ 2018, ICML,
 * arXiv:1807.00263, of central intervals): a temperature makes the truth most likely, but a posterior narrower than a
 * class, or with another shape than the errors have, still covers too much or too little.
 *
 * @param positions of the truths in their posteriors, 0 to 1
 */
export function fitMasses(positions: Float64Array): IntervalMasses {
  if (positions.length < LEAST_POSITIONS) return PLAIN_MASSES;
  const reached = positions.map((position) => 2 * Math.abs(position - 0.5)).sort();
  const [mass68, mass95] = PLAIN_MASSES.map((level) => reached[Math.ceil(level * reached.length) - 1]!);
  return [mass68!, mass95!];
}

/** Fewer stars tell a coverage of 68 % to no better than 3 %. */
const LEAST_POSITIONS = 200;

/** Class frequencies with one row added to each class, so that none is impossible. */
export function classShares(source: LabelSource): ClassShares {
  const { rows, classEdges } = source;
  const counts = [...classEdges.values()].map((edges) => new Float64Array(edges.length - 1).fill(1));
  for (let row = 0; row < rows; row++) {
    for (const [head, label] of source.labels(row).entries()) counts[head]![label]!++;
  }
  const shares = counts.map((ofHead) => ofHead.map((count) => count / (rows + ofHead.length)));
  return new Map([...classEdges.keys()].map((head, index) => [head, shares[index]!]));
}

/** How the scores of one head become probabilities: softmax(logits / temperature + priorWeight * ln prior). */
export interface ScoreFit {
  readonly temperature: number;
  readonly priorWeight: number;
}

/** Keeps the steps of the fit finite where a head knows nothing: the pull of a normal distribution about (1, 0). */
const PULL = 1e-4;

/**
 * The temperature (Guo+ 2017, ICML, arXiv:1706.04599) and the weight of the prior that make the labels most likely. The
 * negative log-likelihood is convex in (1 / T, weight): Newton's steps, halved while they do not lower it.
 *
 * @param logits one array [classes] per row
 * @param labels [rows]
 * @param prior [classes]; without it the weight is 0
 */
export function fitScores(logits: readonly ArrayLike<number>[], labels: Int32Array, prior?: Float64Array): ScoreFit {
  const logPrior = prior?.map(Math.log);
  let point = { inverse: 1, weight: 0 };
  let here = likelihood(logits, labels, logPrior, point);
  for (let step = 0; step < 50; step++) {
    const { slope, curvature } = here;
    const determinant = curvature[0] * curvature[2] - curvature[1] ** 2;
    const change = logPrior
      ? {
          inverse: (curvature[2] * slope[0] - curvature[1] * slope[1]) / determinant,
          weight: (curvature[0] * slope[1] - curvature[1] * slope[0]) / determinant,
        }
      : { inverse: slope[0] / curvature[0], weight: 0 };
    if (Math.abs(change.inverse) + Math.abs(change.weight) < 1e-9) break;
    let length = 1;
    let next = point;
    let there = here;
    do {
      next = { inverse: point.inverse - length * change.inverse, weight: point.weight - length * change.weight };
      there = next.inverse > 0 ? likelihood(logits, labels, logPrior, next) : { ...here, loss: Infinity };
      length /= 2;
    } while (!(there.loss <= here.loss) && length > 1e-6);
    if (!(there.loss <= here.loss)) break;
    point = next;
    here = there;
  }
  return { temperature: 1 / point.inverse, priorWeight: point.weight };
}

interface Likelihood {
  /** Mean negative log-likelihood, and its derivatives by 1 / T and the weight. */
  readonly loss: number;
  readonly slope: readonly [number, number];
  /** Second derivatives: by 1 / T, mixed, by the weight. */
  readonly curvature: readonly [number, number, number];
}

function likelihood(
  logits: readonly ArrayLike<number>[],
  labels: Int32Array,
  logPrior: Float64Array | undefined,
  { inverse, weight }: { readonly inverse: number; readonly weight: number },
): Likelihood {
  let loss = 0;
  const slope: [number, number] = [0, 0];
  const curvature: [number, number, number] = [0, 0, 0];
  const rows = logits.length;
  const scores = new Float64Array(logits[0]?.length ?? 0);
  for (const [row, z] of logits.entries()) {
    let largest = -Infinity;
    for (let index = 0; index < scores.length; index++) {
      scores[index] = inverse * z[index]! + (logPrior ? weight * logPrior[index]! : 0);
      largest = Math.max(largest, scores[index]!);
    }
    const label = labels[row]!;
    // Moments about the label's own values: what the slope needs, and large logits do not cancel.
    const [zLabel, priorLabel] = [z[label]!, logPrior?.[label] ?? 0];
    let [sum, a, b, aa, ab, bb] = [0, 0, 0, 0, 0, 0];
    for (let index = 0; index < scores.length; index++) {
      const probability = Math.exp(scores[index]! - largest);
      const x = z[index]! - zLabel;
      const y = (logPrior?.[index] ?? 0) - priorLabel;
      sum += probability;
      a += probability * x;
      b += probability * y;
      aa += probability * x * x;
      ab += probability * x * y;
      bb += probability * y * y;
    }
    loss += Math.log(sum) + largest - scores[label]!;
    slope[0] += a / sum;
    slope[1] += b / sum;
    curvature[0] += aa / sum - (a / sum) ** 2;
    curvature[1] += ab / sum - (a / sum) * (b / sum);
    curvature[2] += bb / sum - (b / sum) ** 2;
  }
  const pulled = (PULL / 2) * ((inverse - 1) ** 2 + weight ** 2);
  return {
    loss: loss / rows + pulled,
    slope: [slope[0] / rows + PULL * (inverse - 1), slope[1] / rows + PULL * weight],
    curvature: [curvature[0] / rows + PULL, curvature[1] / rows, curvature[2] / rows + PULL],
  };
}
