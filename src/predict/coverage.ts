/** Whether intervals hold what they promise: where true values lie in their posteriors. */

import { type HeadName, PARAMETERS } from "../data/parameters";
import { hash32 } from "../random";
import type { IntervalMasses } from "./calibrated";
import { cumulative, unrolledPosterior } from "./posteriors";

/** How often the central intervals of many posteriors cover the truth, from `positions`. */
export interface Coverage {
  readonly coverage68: number;
  readonly coverage95: number;
}

/**
 * The probability integral transform of a true value: the part of its posterior below it, for a phase counted around the
 * circle from the point opposite to the mean, as the intervals are. Over many stars these positions are uniform in
 * [0, 1] when the posteriors are calibrated (Dawid 1984, JRSS A 147, 278; Gneiting+ 2007, JRSS B 69, 243).
 *
 * Of a value outside the edges only the class is predicted: its position inside its end class is a random number that
 * depends on `row` alone.
 */
export function positionOf(
  head: HeadName,
  probabilities: Float64Array,
  edges: Float64Array,
  value: number,
  row: number,
): number {
  const { isCircular } = PARAMETERS[head];
  const last = edges.length - 2;
  const inside = hash32(row) / 2 ** 32;
  if (!isCircular && value < edges[0]!) return probabilities[0]! * inside;
  if (!isCircular && value >= edges.at(-1)!) return 1 - probabilities[last]! * inside;
  const { steps } = unrolledPosterior(probabilities, edges, isCircular);
  if (!isCircular) return cumulative(steps.probabilities, steps.edges, value);
  const cut = steps.edges[0]!;
  const shifted = value - cut;
  return cumulative(steps.probabilities, steps.edges, cut + shifted - Math.floor(shifted));
}

/** A true value's position in its posterior, and what the intervals called 68 % and 95 % take of that posterior. */
export interface Placed {
  readonly position: number;
  readonly masses: IntervalMasses;
}

/** The parts of the true values inside their central intervals. */
export function coverageOf(truths: readonly Placed[]): Coverage {
  const share = (level: 0 | 1): number =>
    truths.filter(({ position, masses }) => isWithin(position, masses[level])).length / truths.length;
  return { coverage68: share(0), coverage95: share(1) };
}

/** A reliability diagram: how often central intervals of each nominal probability cover the truth. */
export interface Reliability {
  readonly nominal: readonly number[];
  readonly observed: readonly number[];
}

const LEVELS = [...Array(19).keys()].map((index) => Number((0.05 * (index + 1)).toFixed(2)));

/** @param positions what {@link positionOf} gives for many stars */
export function reliabilityOf(positions: ArrayLike<number>): Reliability {
  return { nominal: LEVELS, observed: LEVELS.map((level) => shareWithin(positions, level)) };
}

function shareWithin(positions: ArrayLike<number>, level: number): number {
  let count = 0;
  for (let index = 0; index < positions.length; index++) if (isWithin(positions[index]!, level)) count++;
  return count / positions.length;
}

function isWithin(position: number, mass: number): boolean {
  return Math.abs(position - 0.5) <= mass / 2;
}
