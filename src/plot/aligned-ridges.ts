/**
 * Where the ridges of radial and quadrupole modes lie in one star's spectrum. The network gives the large separation and
 * the phase each by itself; the place of a ridge depends on both, ν = Δν (n + ε + ...) with n about 10, so that a
 * thousandth of Δν moves it by a hundredth. Of the pairs that both intervals allow, the one that the modes' power prefers
 * is drawn.
 */

import type { PowerSums } from "../classical/cells";
import { pressureModeConstants, pressureModeFrequency } from "../simulate/pressure-modes";
import { resolveStar, type StarSpec } from "../simulate/star";

export interface Ridges {
  readonly dnu: number; // µHz
  readonly epp: number;
}

/** The search's step along the phase, and what a step of dnu may move a ridge by, both in dnu. */
const STEP = 0.004;
/** Half of the stretch about each mode whose power is summed, in dnu: a mode, and the curvature's uncertainty. */
const HALF_WIDTH = 0.02;
/** Orders on either side of numax. */
const ORDERS = 3;
const DEGREES = [0, 2];

/**
 * The pair within the intervals under whose radial and quadrupole modes the most power lies; each order counts by the
 * root of its power, lest one tall peak decides.
 *
 * @param star the predicted star; its `dnu` and `epp` are the pair where the spectrum does not reach a single order
 * @param flat a spectrum over its own smoothed level
 * @param within the intervals of dnu, µHz, and epp; a phase's may begin below 0 or end above 1
 */
export function alignRidges(
  star: StarSpec,
  flat: PowerSums,
  within: { readonly dnu: readonly [number, number]; readonly epp: readonly [number, number] },
): Ridges {
  let best: Ridges = { dnu: star.dnu, epp: star.epp };
  let most = powerUnder(best, star, flat);
  const relativeStep = (STEP * star.dnu) / star.numax; // n of them are one step of the phase
  for (const dnu of stepsOver(within.dnu, relativeStep * star.dnu)) {
    for (const epp of stepsOver(within.epp, STEP)) {
      const power = powerUnder({ dnu, epp }, star, flat);
      if (power > most) [best, most] = [{ dnu, epp }, power];
    }
  }
  return best;
}

function powerUnder({ dnu, epp }: Ridges, star: StarSpec, flat: PowerSums): number {
  const constants = pressureModeConstants(resolveStar({ ...star, dnu, epp }));
  const middle = Math.round(star.numax / dnu - epp);
  const half = Math.max(HALF_WIDTH * dnu, flat.grid.stepUHz);
  let sum = 0;
  let count = 0;
  for (let order = middle - ORDERS; order <= middle + ORDERS; order++) {
    for (const degree of DEGREES) {
      // The quadrupole mode beside a radial one has one order less.
      const frequency = pressureModeFrequency(constants, order - degree / 2, degree);
      if (frequency - half < flat.lowUHz || frequency + half > flat.highUHz) continue;
      sum += Math.sqrt(flat.mean(frequency - half, frequency + half));
      count++;
    }
  }
  return count === 0 ? 0 : sum / count;
}

/** Both ends and evenly between them, at most `step` apart. */
function stepsOver([low, high]: readonly [number, number], step: number): number[] {
  const count = Math.max(1, Math.ceil((high - low) / step));
  return Array.from({ length: count + 1 }, (_, index) => low + ((high - low) * index) / count);
}
