/** What the noise of a spectrum says about its sampling: the step, whether it is even, and how far it is oversampled. */

import { median } from "../data/median";

/** The median distance of neighbouring frequencies, in their unit. */
export function medianStep(frequencies: Float64Array): number {
  return median(Float64Array.from({ length: frequencies.length - 1 }, (_, i) => frequencies[i + 1]! - frequencies[i]!));
}

/** The share of steps that are no whole multiple of `step`, within a fifth of it: 0 on an even grid, gaps included. */
export function unevenShare(frequencies: Float64Array, step: number): number {
  let uneven = 0;
  for (let index = 1; index < frequencies.length; index++) {
    const steps = (frequencies[index]! - frequencies[index - 1]!) / step;
    if (Math.abs(steps - Math.round(steps)) > 0.2 || steps < 0.5) uneven++;
  }
  return uneven / (frequencies.length - 1);
}

/** Bins so far apart are independent at every oversampling that is looked for. */
const FAR_LAG = 64;
const MAX_OVERSAMPLING = 40;

/** The correlation of powers half a critical step apart: sinc²(1/2). */
const HALF_STEP_CORRELATION = (2 / Math.PI) ** 2;

/** Weaker ones between neighbours are taken for chance, gaps or modes; at 1.65 bins per critical step it is 0.25. */
const LEAST_CORRELATION = 0.25;

/**
 * How many bins share one critical step 1/T, rounded: 1 for independent bins.
 *
 * Powers at a distance of x critical steps correlate as sinc²x. The logarithm u of the ratio of two χ² powers with two
 * degrees of freedom and correlation ρ obeys P(|u| < t) = s / √(s² + 1 - ρ), s = sinh(t/2) (from the bivariate exponential
 * density, Goodman 1963, Ann. Math. Stat. 34, 152), so that its median measures ρ; modes, slopes and outliers, which
 * would raise a mean, do not matter to it.
 */
export function oversamplingOf(power: Float64Array): number {
  // Beyond ln 3 it is the slope of the background that tells powers apart: a short observation's bins are far apart.
  const far = Math.min(Math.log(3), medianLogRatio(power, FAR_LAG));
  if (!(far > 0)) return 1;
  const correlationAt = (lag: number): number =>
    1 - (Math.sinh(medianLogRatio(power, lag) / 2) / Math.sinh(far / 2)) ** 2;
  let before = 1;
  for (let lag = 1; 2 * lag <= MAX_OVERSAMPLING; lag++) {
    const here = correlationAt(lag);
    if (lag === 1 && here < LEAST_CORRELATION) return 1;
    if (here <= HALF_STEP_CORRELATION) {
      const halfStep = lag - (HALF_STEP_CORRELATION - here) / (before - here);
      return Math.max(2, Math.round(2 * halfStep));
    }
    before = here;
  }
  return MAX_OVERSAMPLING;
}

/** The median factor between powers far apart: 3 for χ² noise with two degrees of freedom. NaN where all are 0. */
export function noiseRatio(power: Float64Array): number {
  return Math.exp(medianLogRatio(power, FAR_LAG));
}

const MAX_PAIRS = 20_000;

/** The median of |ln(p[i + lag] / p[i])| over pairs without zeros; ln 3 for independent ones. NaN without pairs. */
function medianLogRatio(power: Float64Array, lag: number): number {
  const stride = Math.max(1, Math.floor((power.length - lag) / MAX_PAIRS));
  const ratios: number[] = [];
  for (let index = 0; index + lag < power.length; index += stride) {
    const [here, there] = [power[index]!, power[index + lag]!];
    if (here > 0 && there > 0) ratios.push(Math.abs(Math.log(there / here)));
  }
  return median(Float64Array.from(ratios));
}
