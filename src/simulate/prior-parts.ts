/** What several priors share. */

import type { Random } from "../random";
import { chance, logNormal, logUniform } from "./distributions";
import { granulationAt, type Star } from "./star";

/** The inclination of an axis of random direction, degrees: uniform in cos i. */
export function isotropicInclination(random: Random): number {
  return (Math.acos(random.uniform()) * 180) / Math.PI;
}

/** numax in µHz at a large separation: dnu = 0.263 numax^0.77 (Stello+ 2009, MNRAS 400 L80), inverted. */
export function stelloNumax(dnu: number): number {
  return (dnu / 0.263) ** (1 / 0.77);
}

/** Scatter and trends of heights and widths, and the granulation, for every prior. */
export function drawDetails(
  random: Random,
  numax: number,
): Pick<
  Star,
  | "heightSpreadPercent"
  | "widthSpreadPercent"
  | "envelopeWidthUHz"
  | "widthRise"
  | "granulationAmplitudePpm"
  | "granulationKneesUHz"
> {
  const { granulationAmplitudePpm, granulationKneesUHz } = granulationAt(numax);
  return {
    heightSpreadPercent: 10,
    widthSpreadPercent: 10,
    envelopeWidthUHz: logUniform(random, 0.986 * numax ** 0.694, 0.66 * numax ** 0.88),
    widthRise: random.between(0, 0.6),
    granulationAmplitudePpm: logNormal(random, granulationAmplitudePpm, 0.2),
    granulationKneesUHz: [
      logNormal(random, granulationKneesUHz[0], 0.1),
      logNormal(random, granulationKneesUHz[1], 0.1),
    ],
  };
}

/** dp without regard to the star: half uniform in 40-150 s, half in 150-500 s. */
export function flatPeriodSpacing(random: Random): number {
  return chance(random, 0.5) ? random.between(40, 150) : random.between(150, 500);
}
