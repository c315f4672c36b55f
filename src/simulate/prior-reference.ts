/**
 * The prior `reference`: the ranges of the original's public configuration, with a3 switched on by the range that is
 * commented out there (± 0.05-0.4 of aer). The physics stays this simulator's: mixed modes keep their equipartition
 * heights and widths, the background is that of Kallinger+ 2014, and the observing time is four years.
 */

import type { Random } from "../random";
import { chance, logUniform } from "./distributions";
import { drawDetails, flatPeriodSpacing, isotropicInclination, stelloNumax } from "./prior-parts";
import type { Star } from "./star";

/** Draws a star as the original's data were drawn. */
export function drawReference(random: Random): Star {
  const dnu = chance(random, 0.6) ? random.between(1, 9) : random.between(9, 19);
  const isWide = dnu >= 9 && chance(random, 0.9);
  const dp = dnu < 9 ? flatPeriodSpacing(random) : isWide ? random.between(40, 150) : random.between(150, 500);
  const numax = stelloNumax(dnu) * random.between(0.9, 1.1);
  return {
    dnu,
    numax,
    dp,
    q: random.between(0, dnu < 9 && dp >= 150 ? 0.65 : 0.5),
    acr: random.between(0.005, 2.8),
    aer: chance(random, 0.8) ? random.between(0.005, 0.2) : random.between(0.2, 0.4),
    a3: (chance(random, 0.5) ? 1 : -1) * random.between(0.05, 0.4),
    inc: isotropicInclination(random),
    epp: random.uniform(),
    epg: random.uniform(),
    snr: random.between(10, 160),
    gamma: random.between(0.05, 0.14),
    vl1: random.between(0.3, 2.5),
    vl2: random.between(0.15, 0.8),
    vl3: random.between(0, 0.1),
    ...drawDetails(random, numax),
    deltaPercent: random.between(0.2, 5),
    beta: random.between(0, 0.1),
    whiteNoise: logUniform(random, 0.1, 1000),
  };
}
