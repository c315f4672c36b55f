/** A star as the simulator sees it: the fifteen seismic parameters, and what else shapes a spectrum. */

import { HEAD_NAMES, type HeadName } from "../data/parameters";

/**
 * The fifteen parameters that are labels, in the units of `PARAMETERS`. `a3` is the ratio a3/aer, `inc` is in degrees,
 * `snr` is the height-to-background ratio of the tallest radial mode as observed (attenuated, white noise included).
 */
export type SeismicLabels = Readonly<Record<HeadName, number>>;

/** What shapes a spectrum besides the labels. */
export interface StarDetails {
  /** D in d_l = -l(l+1)D/100: the shift of the modes of degree l, in percent of dnu. */
  readonly deltaPercent: number;
  /** The curvature of the p-mode ridges times n_max: alpha = beta / n_max. */
  readonly beta: number;
  /** Each mode's height is multiplied by a factor uniform within +- this percentage. */
  readonly heightSpreadPercent: number;
  /** Each mode's width is multiplied by a factor uniform within +- this percentage. */
  readonly widthSpreadPercent: number;
  /** Full width at half maximum of the Gaussian envelope of heights, µHz. */
  readonly envelopeWidthUHz: number;
  /** Growth rate of the radial modes' width above numax, per dnu: Γ0 = gamma * exp(rise * (ν - numax) / dnu). */
  readonly widthRise: number;
  /** Amplitude of each of the two granulation terms, ppm. */
  readonly granulationAmplitudePpm: number;
  /** Characteristic frequencies of the two granulation terms, µHz. */
  readonly granulationKneesUHz: readonly [number, number];
  /** White noise, ppm²/µHz. */
  readonly whiteNoise: number;
}

/** A star with everything that its simulation needs. */
export interface Star extends SeismicLabels, StarDetails {}

/** The labels, and those details that should not take their published values. */
export type StarSpec = SeismicLabels & Partial<StarDetails>;

/** n_max, the (fractional) radial order at numax: numax / dnu - epp. */
export function orderAtNumax(star: SeismicLabels): number {
  return star.numax / star.dnu - star.epp;
}

/** Granulation by the scaling relations of Kallinger+ 2014 (A&A 570 A41, table 2), for numax in µHz. */
export function granulationAt(numax: number): Pick<Star, "granulationAmplitudePpm" | "granulationKneesUHz"> {
  return {
    granulationAmplitudePpm: 3382 * numax ** -0.609,
    granulationKneesUHz: [0.317 * numax ** 0.97, 0.948 * numax ** 0.992],
  };
}

/**
 * Fills in the details that are left out: curvature alpha = 0.015 dnu^-0.32 (Mosser+ 2013, A&A 550 A126), the dipole
 * and quadrupole shifts of D = 2.2 %, envelope FWHM 0.66 numax^0.88 (Mosser+ 2012, A&A 537 A30), granulation after Kallinger+ 2014, white noise of a star of 11th magnitude.
 *
 * @throws {RangeError} when a value lies outside what the physics here describes.
 */
export function resolveStar(spec: StarSpec): Star {
  const star: Star = {
    deltaPercent: 2.2,
    beta: 0.015 * spec.dnu ** -0.32 * orderAtNumax(spec),
    heightSpreadPercent: 10,
    widthSpreadPercent: 10,
    envelopeWidthUHz: 0.66 * spec.numax ** 0.88,
    widthRise: 0.2,
    whiteNoise: 10,
    ...granulationAt(spec.numax),
    ...spec,
  };
  checkStar(star);
  return star;
}

/** The largest curvature alpha: up to here every ridge is monotonic within 8 dnu of numax (1 - 2 alpha * 8.5 > 0). */
export const MAX_CURVATURE = 0.05;

function checkStar(star: Star): void {
  for (const name of HEAD_NAMES) {
    if (!Number.isFinite(star[name])) fail(name, star[name], "a finite number");
  }
  for (const name of ["dnu", "dp", "numax", "snr", "gamma", "envelopeWidthUHz"] as const) {
    if (!(star[name] > 0)) fail(name, star[name], "a value above 0");
  }
  if (!(star.q > 0 && star.q <= 1)) fail("q", star.q, "0 < q <= 1");
  if (!(star.inc >= 0 && star.inc <= 90)) fail("inc", star.inc, "0 to 90 degrees");
  for (const name of ["vl1", "vl2", "vl3", "heightSpreadPercent", "widthSpreadPercent"] as const) {
    if (!(star[name] >= 0)) fail(name, star[name], "0 or more");
  }
  const curvature = star.beta / orderAtNumax(star);
  if (!(curvature >= 0 && curvature <= MAX_CURVATURE)) {
    fail("beta", star.beta, `0 to ${MAX_CURVATURE} * (numax / dnu - epp)`);
  }
  if (!(star.whiteNoise >= 0)) fail("whiteNoise", star.whiteNoise, "0 or more");
}

function fail(name: string, value: number, expected: string): never {
  throw new RangeError(`Cannot simulate a star with ${name} = ${value}: expected ${expected}`);
}
