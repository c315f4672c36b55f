/** The hump of power that oscillations make on the background: its centre is numax. */

import { type Granulation, granulation } from "../simulate/background";
import { granulationAt } from "../simulate/star";
import type { PowerSums } from "./cells";
import { expectedDnu } from "./comb";
import { leastSquares } from "./least-squares";

/** A Gaussian on a background, fitted to smoothed power. */
export interface Envelope {
  /** The centre of the Gaussian, µHz. */
  readonly numax: number;
  /** Full width at half maximum, µHz. */
  readonly widthUHz: number;
  /** Height of the Gaussian over the background at its centre. */
  readonly height: number;
  /** What was fitted, for drawing: frequencies in µHz, smoothed power and the model, in the spectrum's unit. */
  readonly frequencyUHz: Float64Array;
  readonly smoothed: Float64Array;
  readonly model: Float64Array;
}

/** The fit reaches to numax over and times this. */
const REACH = 2.2;

/** Smoothed points per dnu; they are averages over one dnu, in which modes of every degree lie. */
const POINTS_PER_DNU = 4;

/**
 * Fits exp(a + b u + c u²) + exp(a) H exp(-(ν - numax)² / 2σ²), u = ln(ν / start), to the power averaged over one dnu, in the
 * logarithm, where its relative scatter is even. The Gaussian is that of Kallinger+ 2010 (A&A 522 A1); the background is
 * left free, so that no law of granulation is assumed.
 *
 * A spectrum that somebody has divided by its background B has its hump at higher frequencies, by s σ²/numax where B falls
 * with the power s: 7 % for giants. There the Gaussian is divided by the granulation usual at numax too, which leaves 1 to
 * 2 %, since white noise and granulation of the star are not known any more.
 *
 * @param start a guess of numax, µHz, right to 20 %
 * @returns null where too little of the spectrum lies around it
 */
export function fitEnvelope(sums: PowerSums, start: number): Envelope | null {
  const dnu = expectedDnu(start);
  const low = Math.max(sums.lowUHz + dnu / 2, start / REACH);
  const high = Math.min(sums.highUHz - dnu / 2, start * REACH);
  const count = Math.floor(((high - low) / dnu) * POINTS_PER_DNU);
  if (count < 16) return null;
  const frequencyUHz = Float64Array.from({ length: count }, (_, k) => low + ((k + 0.5) * (high - low)) / count);
  const smoothed = frequencyUHz.map((frequency) =>
    Math.max(sums.mean(frequency - dnu / 2, frequency + dnu / 2), Number.MIN_VALUE),
  );
  const logs = smoothed.map(Math.log);
  const usual = granulationAt(start);
  const hasNoBackground = isDivided(sums, usual, start);
  const model = (p: Float64Array, frequency: number): number => {
    const u = Math.log(frequency / start);
    const divisor = hasNoBackground ? granulation(usual, frequency) / granulation(usual, start) : 1;
    const hump = Math.exp(-0.5 * ((frequency - start * p[4]!) / (start * Math.exp(p[5]!))) ** 2) / divisor;
    const slope = p[1]! * u + p[2]! * u * u;
    return p[0]! + slope + Math.log1p(Math.exp(Math.min(p[3]! - slope, 50)) * hump);
  };
  const width = (0.66 * start ** 0.88) / 2.355 / start; // Mosser+ 2012, A&A 537 A30
  const residuals = (p: Float64Array, out: Float64Array): void => {
    // A width within a factor of two of the usual one: a wider hump is background, a narrower one a single mode.
    const strain = (p[5]! - Math.log(width)) / WIDTH_SCATTER;
    for (let k = 0; k < count; k++) out[k] = (logs[k]! - model(p, frequencyUHz[k]!)) / RELATIVE_SCATTER;
    out[count] = strain;
    out[count + 1] = (p[4]! - 1) / START_SCATTER;
  };
  const middle = Float64Array.from(logs).sort()[count >>> 1]!;
  const { parameters } = leastSquares(residuals, count + 2, [middle, -1, 0, START_HEIGHT, 1, Math.log(width)]);
  return {
    numax: start * parameters[4]!,
    widthUHz: 2.355 * start * Math.exp(parameters[5]!),
    height: Math.exp(parameters[3]!),
    frequencyUHz,
    smoothed,
    model: frequencyUHz.map((frequency) => Math.exp(model(parameters, frequency))),
  };
}

/**
 * Whether a spectrum has been divided by its background: power well below the hump stands above that beyond it (near the
 * end of the spectrum: just below it) by less than a sixth of what granulation does, in the logarithm; white noise rarely
 * leaves less of a raw spectrum's slope. Where too little of the spectrum lies below the hump, it is taken as raw.
 */
function isDivided(sums: PowerSums, usual: Granulation, numax: number): boolean {
  const dnu = expectedDnu(numax);
  const low = Math.max(sums.lowUHz, 0.1 * numax);
  const lowEnd = Math.max(low + dnu, 0.25 * numax);
  if (lowEnd > 0.5 * numax) return false;
  const reachesBeyond = 1.5 * numax + dnu < sums.highUHz;
  const [high, highEnd] = reachesBeyond
    ? [1.5 * numax, Math.min(sums.highUHz, REACH * numax)]
    : [0.4 * numax, 0.5 * numax];
  const expected = granulation(usual, (low + lowEnd) / 2) / granulation(usual, (high + highEnd) / 2);
  return sums.mean(low, lowEnd) / sums.mean(high, highEnd) < expected ** (1 / 6);
}

/** The logarithm of the height over the background that the fit starts from. */
const START_HEIGHT = 0.7;

/** Of smoothed powers about the envelope, since few modes make each; and the prior scatter of width and centre. */
const RELATIVE_SCATTER = 0.15;
const WIDTH_SCATTER = 0.35;
const START_SCATTER = 0.2;
