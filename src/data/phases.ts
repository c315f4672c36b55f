/** Phases, where 0 and 1 are one point, and the mean that class probabilities stand for, of phases and other values. */

import { classCenters, classWidths } from "./classes";

/** The phase in [0, 1). */
export function wrapPhase(phase: number): number {
  const wrapped = phase - Math.floor(phase);
  return wrapped < 1 ? wrapped : 0; // a tiny negative phase would round up to 1
}

/** `difference` of two phases along the shorter way round the circle: in [-0.5, 0.5]. */
export function shorterWay(difference: number): number {
  return difference - Math.round(difference);
}

/** The edges that probabilities are spread over: those of a phase end at 0 and 1, as no phase lies outside. */
export function limitsOf(edges: Float64Array, isCircular: boolean): Float64Array {
  return isCircular ? edges.map((edge) => Math.min(Math.max(edge, 0), 1)) : edges;
}

/**
 * Turns class probabilities into a mean, each class's probability being spread evenly between its edges. For a phase it
 * is the direction of the resultant vector, in [0, 1) (Mardia & Jupp 2000, Directional Statistics, 2.2).
 */
export class ClassMean {
  /** What each class contributes: its centre, or the cosine and sine of an evenly filled arc. */
  private readonly first: Float64Array;
  private readonly second: Float64Array | null;

  /** @param edges [classes + 1], ascending */
  constructor(edges: Float64Array, isCircular: boolean) {
    const limits = limitsOf(edges, isCircular);
    const centers = classCenters(limits);
    if (!isCircular) {
      this.first = centers;
      this.second = null;
      return;
    }
    // An arc of width w pulls towards its middle with the strength sin(pi w) / (pi w).
    const pulls = classWidths(limits).map((width) => (width > 0 ? Math.sin(Math.PI * width) / (Math.PI * width) : 1));
    this.first = centers.map((center, index) => pulls[index]! * Math.cos(2 * Math.PI * center));
    this.second = centers.map((center, index) => pulls[index]! * Math.sin(2 * Math.PI * center));
  }

  /** @param weights [classes], proportional to the probabilities */
  of(weights: ArrayLike<number>): number {
    let sum = 0;
    let first = 0;
    let second = 0;
    for (let index = 0; index < weights.length; index++) {
      const weight = weights[index]!;
      sum += weight;
      first += weight * this.first[index]!;
      if (this.second !== null) second += weight * this.second[index]!;
    }
    return this.second === null ? first / sum : wrapPhase(Math.atan2(second, first) / (2 * Math.PI));
  }
}
