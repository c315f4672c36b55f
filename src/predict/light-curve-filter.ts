/** Slow trends, outliers and short cadences of a light curve. */

import { median } from "../data/median";

/** The width of the smoothing whose result is subtracted. */
export const HIGH_PASS_DAYS = 30;

/** Longer gaps may come with a jump: the smoothing does not reach across. */
const GAP_DAYS = 2;

/** Farther from zero than so many standard deviations, a sample is an outlier: one in two million is not. */
const OUTLIER_SIGMA = 5;
const PASSES = 3;

/** Times in days, ascending, and a value each. */
export interface Series {
  readonly timeDays: Float64Array;
  readonly flux: Float64Array;
}

/**
 * Subtracts from each stretch without a gap of two days its local straight-line fit over 30 days, taken twice, and leaves
 * out samples beyond five standard deviations (from the median absolute deviation), repeating both until none is left.
 *
 * Far from the ends the smoothing is a running mean taken twice: a sinusoid of frequency ν keeps the part
 * 1 - sinc²(30 d ν) of its amplitude: half at 0.17 µHz, 99.6 % or more above 2 µHz.
 *
 * @param timeDays [n] ascending
 * @param flux [n]
 * @returns the samples that stay, about zero
 */
export function highPass(timeDays: Float64Array, flux: Float64Array): Series {
  const times = new Float64Array(timeDays.length);
  const residuals = new Float64Array(timeDays.length);
  let filled = 0;
  for (let start = 0; start < timeDays.length; ) {
    let end = start + 1;
    while (end < timeDays.length && timeDays[end]! - timeDays[end - 1]! <= GAP_DAYS) end++;
    let stretch: Series = { timeDays: timeDays.slice(start, end), flux: flux.slice(start, end) };
    let residual = subtractTrend(stretch);
    for (let pass = 1; pass < PASSES; pass++) {
      const limit = OUTLIER_SIGMA * 1.4826 * median(residual.map(Math.abs));
      const isKept = (_: number, index: number): boolean => Math.abs(residual[index]!) <= limit;
      const kept: Series = { timeDays: stretch.timeDays.filter(isKept), flux: stretch.flux.filter(isKept) };
      if (kept.flux.length === stretch.flux.length) break;
      stretch = kept;
      residual = subtractTrend(stretch);
    }
    times.set(stretch.timeDays, filled);
    residuals.set(residual, filled);
    filled += residual.length;
    start = end;
  }
  return { timeDays: times.slice(0, filled), flux: residuals.slice(0, filled) };
}

/** Kepler's long cadence, which the simulator's attenuation is that of. */
const LONG_CADENCE_DAYS = 1765.46 / 86400;

/** Averages of fewer than half of their samples are left out. */
const LEAST_SHARE = 0.5;

/**
 * Averages a whole number of cadences so that they come nearest to Kepler's long cadence; leaves slower ones as they are.
 *
 * @param cadenceDays the regular distance of samples
 */
export function averageCadences(
  timeDays: Float64Array,
  flux: Float64Array,
  cadenceDays: number,
): Series & { readonly note: string | null } {
  const count = Math.round(LONG_CADENCE_DAYS / cadenceDays);
  if (!(count >= 2)) return { timeDays, flux, note: null };
  const width = count * cadenceDays;
  const times: number[] = [];
  const means: number[] = [];
  for (let start = 0; start < timeDays.length; ) {
    // Slots count from the first sample, whose exposure starts half a cadence before.
    const slot = Math.floor((timeDays[start]! - timeDays[0]!) / width + 0.5 / count);
    const slotEnd = timeDays[0]! + (slot + 1 - 0.5 / count) * width;
    let end = start + 1;
    while (end < timeDays.length && timeDays[end]! < slotEnd) end++;
    if (end - start >= LEAST_SHARE * count) {
      times.push(meanOf(timeDays, start, end));
      means.push(meanOf(flux, start, end));
    }
    start = end;
  }
  const seconds = (days: number): string => String(Number((86400 * days).toPrecision(3)));
  return {
    timeDays: Float64Array.from(times),
    flux: Float64Array.from(means),
    note: `cadence of ${seconds(cadenceDays)} s: ${count} samples averaged to one of ${seconds(width)} s`,
  };
}

/** Gaps of so many samples are bridged. */
const BRIDGED = 3;

/**
 * Fills gaps of up to three samples with straight lines. Without it every lost sample spreads the strong low frequencies
 * over all others; the filled samples lower white noise by about half their share.
 *
 * @param cadenceDays the regular distance of samples
 */
export function bridgeGaps({ timeDays, flux }: Series, cadenceDays: number): Series {
  const times: number[] = [];
  const values: number[] = [];
  for (let index = 0; index < timeDays.length; index++) {
    const [time, value] = [timeDays[index]!, flux[index]!];
    const steps = index === 0 ? 1 : Math.round((time - timeDays[index - 1]!) / cadenceDays);
    for (let step = 1; step < steps && steps <= BRIDGED + 1; step++) {
      const [before, valueBefore] = [timeDays[index - 1]!, flux[index - 1]!];
      times.push(before + ((time - before) * step) / steps);
      values.push(valueBefore + ((value - valueBefore) * step) / steps);
    }
    times.push(time);
    values.push(value);
  }
  return { timeDays: Float64Array.from(times), flux: Float64Array.from(values) };
}

function subtractTrend({ timeDays, flux }: Series): Float64Array {
  const trend = localLines(timeDays, localLines(timeDays, flux));
  return flux.map((value, index) => value - trend[index]!);
}

/**
 * At each time the straight line through the samples within half the width, by least squares: a running mean where they
 * lie evenly to both sides, and unbiased by a slope at the ends. Sums over windows are differences of running sums.
 */
function localLines(timeDays: Float64Array, values: Float64Array): Float64Array {
  const { length } = values;
  // About the middle, so that squares of times stay small.
  const middle = (timeDays[0]! + timeDays[length - 1]!) / 2;
  const names = ["t", "tt", "y", "ty"] as const;
  const sums = Object.fromEntries(names.map((name) => [name, new Float64Array(length + 1)])) as Record<
    (typeof names)[number],
    Float64Array
  >;
  for (let index = 0; index < length; index++) {
    const [t, y] = [timeDays[index]! - middle, values[index]!];
    sums.t[index + 1] = sums.t[index]! + t;
    sums.tt[index + 1] = sums.tt[index]! + t * t;
    sums.y[index + 1] = sums.y[index]! + y;
    sums.ty[index + 1] = sums.ty[index]! + t * y;
  }
  const smooth = new Float64Array(length);
  let start = 0;
  let end = 0;
  for (let index = 0; index < length; index++) {
    const time = timeDays[index]!;
    while (timeDays[start]! < time - HIGH_PASS_DAYS / 2) start++;
    while (end < length && timeDays[end]! <= time + HIGH_PASS_DAYS / 2) end++;
    const count = end - start;
    const meanTime = (sums.t[end]! - sums.t[start]!) / count;
    const mean = (sums.y[end]! - sums.y[start]!) / count;
    const variance = (sums.tt[end]! - sums.tt[start]!) / count - meanTime ** 2;
    const slope = variance > 1e-6 ? ((sums.ty[end]! - sums.ty[start]!) / count - meanTime * mean) / variance : 0;
    smooth[index] = mean + slope * (time - middle - meanTime);
  }
  return smooth;
}

function meanOf(values: Float64Array, start: number, end: number): number {
  let sum = 0;
  for (let index = start; index < end; index++) sum += values[index]!;
  return sum / (end - start);
}
