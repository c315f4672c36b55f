/** From a head's logits to a posterior over the parameter: class probabilities, estimates and intervals in its unit. */

import { classCenters } from "../data/classes";
import { type HeadName, PARAMETERS } from "../data/parameters";

/** What the network says about one parameter of one star; values in the parameter's unit. */
export interface Posterior {
  /** Of the classes, in their order; they sum to 1. */
  readonly probabilities: readonly number[];
  /** For a phase, the circular mean in [0, 1). */
  readonly mean: number;
  readonly median: number;
  /** The middle of the most probable class. */
  readonly mode: number;
  /** From the 16 % to the 84 % quantile; a phase's upper limit exceeds 1 where the interval runs through 0. */
  readonly interval68: readonly [number, number];
  /** From the 2.5 % to the 97.5 % quantile. */
  readonly interval95: readonly [number, number];
  /** Empty for a ratio or a phase. */
  readonly unit: string;
  /** The network's scores before the softmax, where asked for. */
  readonly logits?: readonly number[];
}

/**
 * The posterior of one head. Inside a class the probability is taken as evenly spread, so that quantiles are interpolated
 * between its edges. For a phase (epp, epg) 0 and 1 are one point: the mean is the direction of the resultant vector, and
 * quantiles are counted around the circle from the point opposite to it (Mardia & Jupp 2000, Directional Statistics, 2).
 *
 * @param logits [classes]
 * @param edges [classes + 1], ascending
 * @throws {RangeError} when the numbers of logits and classes differ, or a logit is not finite.
 */
export function posteriorOf(
  head: HeadName,
  logits: ArrayLike<number>,
  edges: Float64Array,
  options: { readonly withLogits?: boolean } = {},
): Posterior {
  if (logits.length !== edges.length - 1) {
    throw new RangeError(`Cannot read head "${head}": got ${logits.length} logits for ${edges.length - 1} classes`);
  }
  const { isCircular, unit } = PARAMETERS[head];
  const probabilities = softmax(logits);
  const limits = isCircular ? edges.map((edge) => Math.min(Math.max(edge, 0), 1)) : edges;
  const mode = classCenters(limits)[indexOfLargest(probabilities)]!;
  const summary = isCircular ? circularSummary(probabilities, limits) : linearSummary(probabilities, limits);
  return {
    probabilities: Array.from(probabilities),
    ...summary,
    mode,
    unit,
    ...(options.withLogits && { logits: Array.from(logits) }),
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

type Summary = Pick<Posterior, "mean" | "median" | "interval68" | "interval95">;

function linearSummary(probabilities: Float64Array, edges: Float64Array): Summary {
  const at = (fraction: number): number => quantile(probabilities, edges, fraction);
  const mean = classCenters(edges).reduce((sum, center, index) => sum + center * probabilities[index]!, 0);
  return { mean, median: at(0.5), interval68: [at(0.16), at(0.84)], interval95: [at(0.025), at(0.975)] };
}

function circularSummary(probabilities: Float64Array, edges: Float64Array): Summary {
  let cosine = 0;
  let sine = 0;
  for (const [index, center] of classCenters(edges).entries()) {
    // An evenly filled arc of width w pulls towards its middle with the strength sin(pi w) / (pi w).
    const halfAngle = Math.PI * (edges[index + 1]! - edges[index]!);
    const weight = probabilities[index]! * (halfAngle > 0 ? Math.sin(halfAngle) / halfAngle : 1);
    cosine += weight * Math.cos(2 * Math.PI * center);
    sine += weight * Math.sin(2 * Math.PI * center);
  }
  const mean = wrap(Math.atan2(sine, cosine) / (2 * Math.PI));
  const unrolled = unroll(probabilities, edges, mean - 0.5);
  const at = (fraction: number): number => quantile(unrolled.probabilities, unrolled.edges, fraction);
  const interval = (low: number, high: number): [number, number] => {
    const lower = wrap(at(low));
    return [lower, lower + at(high) - at(low)];
  };
  return { mean, median: wrap(at(0.5)), interval68: interval(0.16, 0.84), interval95: interval(0.025, 0.975) };
}

/** Cuts the circle open at `cut` and lays the classes out from there, the one that is cut in two parts. */
function unroll(
  probabilities: Float64Array,
  edges: Float64Array,
  cut: number,
): { probabilities: number[]; edges: number[] } {
  const pieces: { start: number; end: number; probability: number }[] = [];
  for (const [index, probability] of probabilities.entries()) {
    const width = edges[index + 1]! - edges[index]!;
    const start = wrap(edges[index]! - cut);
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

/** The phase in [0, 1). */
function wrap(phase: number): number {
  const wrapped = phase - Math.floor(phase);
  return wrapped < 1 ? wrapped : 0;
}

function indexOfLargest(values: Float64Array): number {
  return values.reduce((best, value, index) => (value > values[best]! ? index : best), 0);
}
