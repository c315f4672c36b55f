/**
 * The prior `population`: red giants as Kepler found them, widened where the training range should be wider than the
 * sample. Distributions and their sources, parameter by parameter:
 *
 * - state: 50 % red-giant branch, 40 % red clump, 10 % secondary clump. With the three dnu distributions below this
 *   gives the quantiles of Yu+ 2018 (ApJS 236 42; 5-25-50-75-95 % = 2.25-3.92-4.44-7.04-14.4 µHz) to 2 %.
 * - dnu: branch log-normal (median 7.4, 0.92), cut at 1 and 19; clump normal 4.15 ± 0.30; secondary log-normal (6.2, 0.2).
 * - numax: Stello+ 2009 from dnu, times log-normal 1.005 ± 9 % (5-95 % of Yu+ 2018: 0.86-1.17), one in ten uniform in
 *   ± 25 %; 5 to 286 µHz.
 * - dp: on the branch 60 + 1.7 dnu ± 2 s (the degenerate sequence of Vrard+ 2016, A&A 588 A87); clump 300 ± 28 s within
 *   220-360; secondary 260 ± 40 s within 160-360. Three in ten stars, of any state, take dp from the flat prior instead.
 * - q: branch 0.16 ± 0.05, clumps 0.30 ± 0.07 (Mosser+ 2017, A&A 600 A1); 15 % uniform in 0.01-0.72.
 * - acr: branch log-normal 0.75 µHz (0.45) (Gehan+ 2018, A&A 616 A24), clumps 0.15 (0.5) (Mosser+ 2012, A&A 548 A10);
 *   15 % uniform; 0.04-2.8.
 * - aer: 80 % uniform 0.005-0.2, 20 % uniform 0.2-0.4. a3/aer: uniform in ± 0.4. inc: isotropic.
 * - epp: branch 0.634 + 0.546 log10 dnu ± 0.08 (Corsaro+ 2012, ApJ 757 190), clump 0.80 ± 0.075, secondary 0.88 ± 0.07
 *   (Kallinger 2019), wrapped; 20 % uniform. epg: 0.28 ± 0.1 (Mosser+ 2018, A&A 618 A109), wrapped; 40 % uniform.
 * - snr: log-uniform 4-300. gamma: branch log-normal 0.103 (0.25), clumps 0.141 (0.28), 20 % uniform; 0.04-0.35
 *   (widths from the lifetimes of Kallinger 2019).
 * - vl1: 1.4 ± 0.4 within 0.3-2.5; 15 % of the stars have depressed dipoles, uniform 0.02-0.5. vl2: branch 0.75 ± 0.14,
 *   clumps 0.88 ± 0.14 (Kallinger 2019), 40 % uniform, all within 0.15-1.1. vl3: uniform 0-0.11.
 * - D: uniform 1.5-3.2 %. Curvature alpha: log-normal 0.0118 (0.8) below 0.05 (Kallinger 2019).
 * - granulation: Kallinger+ 2014, amplitude times log-normal (0.2), knees (0.1). White noise: log-uniform 0.3-300 ppm²/µHz
 *   (Kepler magnitudes 7 to 15). Rise of the widths: uniform 0-0.6 per dnu. Envelope FWHM: between 0.986 numax^0.694
 *   (sloscillations' relation for the branch) and 0.66 numax^0.88 (Mosser+ 2012, A&A 537 A30), log-uniform.
 *
 * snr, vl1, vl2 and aer reach beyond the reference's class edges; the data reader counts what it puts into end classes.
 */

import { wrapPhase } from "../data/phases";
import type { Random } from "../random";
import { chance, logNormal, logUniform, normal, within } from "./distributions";
import { drawDetails, flatPeriodSpacing, isotropicInclination, stelloNumax } from "./prior-parts";
import { MAX_CURVATURE, orderAtNumax, type Star } from "./star";

interface StateLaw {
  readonly share: number;
  readonly dnu: (random: Random) => number;
  readonly dp: (random: Random, dnu: number) => number;
  readonly q: { readonly mean: number; readonly deviation: number };
  readonly acr: { readonly median: number; readonly deviation: number };
  readonly epp: (dnu: number) => { readonly mean: number; readonly deviation: number };
  readonly gamma: { readonly median: number; readonly deviation: number };
  readonly vl2: number;
}

const CLUMP = {
  q: { mean: 0.3, deviation: 0.07 },
  acr: { median: 0.15, deviation: 0.5 },
  gamma: { median: 0.141, deviation: 0.28 },
  vl2: 0.88,
};

const STATES: readonly StateLaw[] = [
  {
    share: 0.5, // red-giant branch
    dnu: (random) => within(1, 19, () => logNormal(random, 7.4, 0.92)),
    dp: (random, dnu) => normal(random, 60 + 1.7 * dnu, 2),
    q: { mean: 0.16, deviation: 0.05 },
    acr: { median: 0.75, deviation: 0.45 },
    epp: (dnu) => ({ mean: 0.634 + 0.546 * Math.log10(dnu), deviation: 0.08 }),
    gamma: { median: 0.103, deviation: 0.25 },
    vl2: 0.75,
  },
  {
    ...CLUMP,
    share: 0.4, // red clump
    dnu: (random) => within(3, 5.5, () => normal(random, 4.15, 0.3)),
    dp: (random) => within(220, 360, () => normal(random, 300, 28)),
    epp: () => ({ mean: 0.8, deviation: 0.075 }),
  },
  {
    ...CLUMP,
    share: 0.1, // secondary clump
    dnu: (random) => within(3, 12, () => logNormal(random, 6.2, 0.2)),
    dp: (random) => within(160, 360, () => normal(random, 260, 40)),
    epp: () => ({ mean: 0.88, deviation: 0.07 }),
  },
];

/** Draws a red giant of the Kepler population. */
export function drawPopulation(random: Random): Star {
  const state = pickState(random);
  const dnu = state.dnu(random);
  const numax = within(5, 286, () => {
    const factor = chance(random, 0.1) ? random.between(0.75, 1.25) : logNormal(random, 1.005, 0.09);
    return stelloNumax(dnu) * factor;
  });
  const dp = within(40, 500, () => (chance(random, 0.3) ? flatPeriodSpacing(random) : state.dp(random, dnu)));
  const epp = state.epp(dnu);
  const labels = {
    dnu,
    numax,
    dp,
    q: within(0.01, 0.72, () =>
      chance(random, 0.15) ? random.between(0.01, 0.72) : normal(random, state.q.mean, state.q.deviation),
    ),
    acr: within(0.04, 2.8, () =>
      chance(random, 0.15) ? random.between(0.04, 2.8) : logNormal(random, state.acr.median, state.acr.deviation),
    ),
    aer: chance(random, 0.8) ? random.between(0.005, 0.2) : random.between(0.2, 0.4),
    a3: random.between(-0.4, 0.4),
    inc: isotropicInclination(random),
    epp: chance(random, 0.2) ? random.uniform() : wrapPhase(normal(random, epp.mean, epp.deviation)),
    epg: chance(random, 0.4) ? random.uniform() : wrapPhase(normal(random, 0.28, 0.1)),
    snr: logUniform(random, 4, 300),
    gamma: within(0.04, 0.35, () =>
      chance(random, 0.2) ? random.between(0.04, 0.35) : logNormal(random, state.gamma.median, state.gamma.deviation),
    ),
    vl1: chance(random, 0.15) ? random.between(0.02, 0.5) : within(0.3, 2.5, () => normal(random, 1.4, 0.4)),
    vl2: within(0.15, 1.1, () => (chance(random, 0.4) ? random.between(0.15, 1.1) : normal(random, state.vl2, 0.14))),
    vl3: random.between(0, 0.11),
  };
  const curvature = within(0, MAX_CURVATURE, () => logNormal(random, 0.0118, 0.8));
  return {
    ...labels,
    ...drawDetails(random, numax),
    deltaPercent: random.between(1.5, 3.2),
    beta: curvature * orderAtNumax(labels),
    whiteNoise: logUniform(random, 0.3, 300),
  };
}

function pickState(random: Random): StateLaw {
  let left = random.uniform();
  for (const state of STATES) {
    left -= state.share;
    if (left < 0) return state;
  }
  return STATES[0]!;
}
