/** Which modes of a star can be seen in its spectrum, and so deserve a mark. */

import { type Grid, KEPLER_GRID } from "../data/grid";

/** What is marked: a peak's degree and place. */
export interface MarkedMode {
  readonly degree: number;
  readonly frequencyUHz: number;
  /** With it, low modes are not marked. */
  readonly height?: number;
  /** Full width at half maximum, µHz; with it, a mode much narrower than a bin counts as lower than it is. */
  readonly widthUHz?: number;
}

/** The lowest peak that is marked, relative to the tallest in view. */
const LOWEST_MARKED = 0.02;

/**
 * The modes between two frequencies whose peaks are at least a fiftieth of the tallest there. A mode narrower than a bin
 * spreads its power over that bin, so that its peak is lower by about πΓ/(2δν): this hides most gravity-dominated modes.
 */
export function visibleModes<M extends MarkedMode>(
  modes: readonly M[],
  range: readonly [number, number],
  grid: Grid = KEPLER_GRID,
): M[] {
  const peak = ({ height = Infinity, widthUHz = Infinity }: M): number =>
    height * Math.min(1, (Math.PI * widthUHz) / (2 * grid.stepUHz));
  const inView = modes.filter(({ frequencyUHz }) => frequencyUHz >= range[0] && frequencyUHz <= range[1]);
  const tallest = inView
    .map(peak)
    .filter(Number.isFinite)
    .reduce((a, b) => Math.max(a, b), 0);
  return inView.filter((mode) => peak(mode) >= LOWEST_MARKED * tallest);
}
