/** From a head's logits to a posterior over the parameter: class probabilities, estimates and intervals in its unit. */

import { classCenters } from "../data/classes";
import { type HeadName, PARAMETERS } from "../data/parameters";
import { ClassMean, limitsOf, wrapPhase } from "../data/phases";
import { type Calibration, calibratedLogits, PLAIN_MASSES } from "./calibrated";
import { informationBits, isIdentifiable } from "./information";

/** What the network says about one parameter of one star; values in the parameter's unit. */
export interface Posterior {
  /** Of the classes, in their order; they sum to 1. */
  readonly probabilities: readonly number[];
  /** For a phase, the circular mean in [0, 1). */
  readonly mean: number;
  readonly median: number;
  /** The middle of the most probable class. */
  readonly mode: number;
  /**
   * From the 16 % to the 84 % quantile, or those quantiles that calibration has found to hold 68 % of the truths; a phase's
   * upper limit exceeds 1 where the interval runs through 0.
   */
  readonly interval68: readonly [number, number];
  /** From the 2.5 % to the 97.5 % quantile, or likewise. */
  readonly interval95: readonly [number, number];
  /** Empty for a ratio or a phase. */
  readonly unit: string;
  /** What the spectrum tells beyond the training prior, bits; where the prior is known. */
  readonly information?: number;
  /** False where that is less than half a bit: the posterior is the prior's, more or less. */
  readonly identifiable?: boolean;
  /** The network's scores before the softmax, where asked for. */
  readonly logits?: readonly number[];
}

export interface PosteriorOptions {
  /** Corrects logits and intervals, and gives the prior that information is measured from. */
  readonly calibration?: Calibration | null;
  readonly withLogits?: boolean;
}

/**
 * The posterior of one head. Inside a class the probability is taken as evenly spread, so that quantiles are interpolated
 * between its edges. For a phase (epp, epg) 0 and 1 are one point: the mean is the direction of the resultant vector, and
 * quantiles are counted around the circle from the point opposite to it (Mardia & Jupp 2000, Directional Statistics, 2).
 *
 * @param logits [classes], as the network gives them
 * @param edges [classes + 1], ascending
 * @throws {RangeError} when the numbers of logits and classes differ, or a logit is not finite.
 */
export function posteriorOf(
  head: HeadName,
  logits: ArrayLike<number>,
  edges: Float64Array,
  { calibration = null, withLogits = false }: PosteriorOptions = {},
): Posterior {
  if (logits.length !== edges.length - 1) {
    throw new RangeError(`Cannot read head "${head}": got ${logits.length} logits for ${edges.length - 1} classes`);
  }
  const { isCircular, unit } = PARAMETERS[head];
  const probabilities = softmax(calibratedLogits(head, logits, calibration));
  const prior = calibration?.prior.get(head);
  const information = prior && informationBits(probabilities, prior);
  const { mean, steps } = unrolledPosterior(probabilities, edges, isCircular);
  const at = (fraction: number): number => quantile(steps.probabilities, steps.edges, fraction);
  const [mass68, mass95] = calibration?.intervalMasses.get(head) ?? PLAIN_MASSES;
  const interval = (mass: number): readonly [number, number] => {
    const [low, high] = [at((1 - mass) / 2), at((1 + mass) / 2)];
    const lower = isCircular ? wrapPhase(low) : low;
    return [lower, lower + high - low];
  };
  return {
    probabilities: Array.from(probabilities),
    mean,
    median: isCircular ? wrapPhase(at(0.5)) : at(0.5),
    mode: classCenters(limitsOf(edges, isCircular))[indexOfLargest(probabilities)]!,
    interval68: interval(mass68),
    interval95: interval(mass95),
    unit,
    ...(information !== undefined && { information, identifiable: isIdentifiable(information) }),
    ...(withLogits && { logits: Array.from(logits) }),
  };
}

/**
 * Probabilities proportional to exp(logits), in float64.
 *
 * @throws {RangeError} when a logit is not finite.
 */
export function softmax(logits: ArrayLike<number>): Float64Array {
  let largest = -Infinity;
  for (let index = 0; index < logits.length; index++) {
    const logit = logits[index]!;
    if (!Number.isFinite(logit))
      throw new RangeError(`Cannot read logits: logit ${index} is ${logit}, expected a finite number`);
    largest = Math.max(largest, logit);
  }
  const weights = Float64Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/**
 * The value below which a part `fraction` of the probability lies, interpolated inside its class.
 *
 * @param probabilities [classes], summing to 1
 * @param edges [classes + 1], ascending
 */
export function quantile(probabilities: ArrayLike<number>, edges: ArrayLike<number>, fraction: number): number {
  let below = 0;
  for (let index = 0; index < probabilities.length; index++) {
    const inside = probabilities[index]!;
    if (below + inside >= fraction && inside > 0) {
      return edges[index]! + ((fraction - below) / inside) * (edges[index + 1]! - edges[index]!);
    }
    below += inside;
  }
  // Rounding may leave the sum a little below the fraction.
  return edges[probabilities.length]!;
}

/**
 * The part of the probability below `value`, the inverse of {@link quantile}: 0 and 1 outside the edges.
 *
 * @param probabilities [classes], summing to 1
 * @param edges [classes + 1], ascending
 */
export function cumulative(probabilities: ArrayLike<number>, edges: ArrayLike<number>, value: number): number {
  let below = 0;
  for (let index = 0; index < probabilities.length; index++) {
    const [start, end] = [edges[index]!, edges[index + 1]!];
    if (value < end) return below + probabilities[index]! * Math.max(0, (value - start) / (end - start));
    below += probabilities[index]!;
  }
  return 1;
}

/** A density that is constant between its edges. */
export interface Steps {
  readonly probabilities: ArrayLike<number>;
  readonly edges: ArrayLike<number>;
}

/**
 * The mean of a posterior and its density along a line: as it is, or, for a phase, the circle cut open opposite to the
 * mean and laid out from there over one turn.
 */
export function unrolledPosterior(
  probabilities: Float64Array,
  edges: Float64Array,
  isCircular: boolean,
): { mean: number; steps: Steps } {
  const mean = new ClassMean(edges, isCircular).of(probabilities);
  return {
    mean,
    steps: isCircular ? unroll(probabilities, limitsOf(edges, true), mean - 0.5) : { probabilities, edges },
  };
}

/** Cuts the circle open at `cut` and lays the classes out from there, the one that is cut in two parts. */
function unroll(probabilities: Float64Array, edges: Float64Array, cut: number): Steps {
  const pieces: { start: number; end: number; probability: number }[] = [];
  for (const [index, probability] of probabilities.entries()) {
    const width = edges[index + 1]! - edges[index]!;
    const start = wrapPhase(edges[index]! - cut);
    const end = start + width;
    const beyond = Math.max(0, end - 1);
    pieces.push({
      start,
      end: end - beyond,
      probability: width > 0 ? probability * (1 - beyond / width) : probability,
    });
    if (beyond > 0) pieces.push({ start: 0, end: beyond, probability: (probability * beyond) / width });
  }
  pieces.sort((a, b) => a.start - b.start);
  return {
    probabilities: pieces.map(({ probability }) => probability),
    edges: [...pieces.map(({ start }) => start + cut), pieces.at(-1)!.end + cut],
  };
}

function indexOfLargest(values: Float64Array): number {
  return values.reduce((best, value, index) => (value > values[best]! ? index : best), 0);
}
