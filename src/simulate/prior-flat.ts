/**
 * The prior `flat`: every parameter uniform over the classes of its head, so that every class is filled. numax alone
 * follows dnu (Stello+ 2009, ± 25 % uniform), since a spectrum with any other pair is no star's; all its classes are
 * reached as dnu runs from 1 to 19. What is not a label: D 1.5-3.2 %, β 0-0.1, white noise 0.3-300 ppm²/µHz.
 */

import type { Random } from "../random";
import { logUniform, within } from "./distributions";
import { drawDetails, stelloNumax } from "./prior-parts";
import type { Star } from "./star";

/** Draws a star of no particular population. */
export function drawFlat(random: Random): Star {
  // Where 1.25 numax would leave the spectrum, the largest dnu still keep part of the ± 25 %.
  const dnu = random.between(1, 19);
  const numax = within(5, 286, () => stelloNumax(dnu) * random.between(0.75, 1.25));
  return {
    dnu,
    numax,
    dp: random.between(40, 500),
    q: random.between(0, 0.75),
    acr: random.between(0.05, 2.8),
    aer: random.between(0.1, 0.4),
    a3: random.between(-0.4, 0.4),
    inc: random.between(0, 90),
    epp: random.uniform(),
    epg: random.uniform(),
    snr: random.between(2, 170),
    gamma: random.between(0.01, 0.35),
    vl1: random.between(0.3, 2.5),
    vl2: random.between(0.15, 0.8),
    vl3: random.between(0, 0.1),
    ...drawDetails(random, numax),
    deltaPercent: random.between(1.5, 3.2),
    beta: random.between(0, 0.1),
    whiteNoise: logUniform(random, 0.3, 300),
  };
}
