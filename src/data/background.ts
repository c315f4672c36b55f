/**
 * The smooth background of a power spectrum, without a model of it: a low quantile in windows of constant relative width,
 * joined by straight lines in log frequency and log power. Narrow peaks pass between the quantiles, granulation and white
 * noise do not, so that a raw spectrum and one that somebody has divided by its background come out alike: to a few percent,
 * and to 15 % where a background falls as steeply as granulation can, with the fourth power of the frequency.
 */

import { select } from "./median";

/** The quantile of the power in a window: of bins that three exponential deviates are averaged in, 0.64 of the mean. */
const QUANTILE = 0.3;

/** Ratio of neighbouring window centres, as a logarithm; and half the width of a window. */
const SPACING = 0.1;
const HALF_WIDTH = 0.15;

/** Fewer bins than this make no window. */
const LEAST_BINS = 48;

/** More bins than this are sampled evenly: a quantile of a thousand is right to 3 %. */
const MOST_BINS = 1024;

interface Window {
  /** Of the centre, in bins from the lowest frequency. */
  readonly logBin: number;
  readonly first: number;
  readonly end: number;
  readonly stride: number;
}

/** Estimates the background of spectra of one length. */
export class BackgroundEstimator {
  private readonly windows: readonly Window[];
  private readonly sample = new Float64Array(MOST_BINS);
  private readonly levels: Float64Array;
  /** Of each bin: the window below it, and how far it is to the next one (0 to 1). */
  private readonly lower: Uint16Array;
  private readonly fraction: Float32Array;

  /**
   * @param points bins of a spectrum
   * @param firstBin frequency of the first bin over the step: 0 where the frequencies are not known
   */
  constructor(
    readonly points: number,
    firstBin: number,
  ) {
    this.windows = windowsOf(points, Math.max(1, firstBin));
    this.levels = new Float64Array(this.windows.length);
    this.lower = new Uint16Array(points);
    this.fraction = new Float32Array(points);
    const last = this.windows.length - 1;
    let below = 0;
    for (let bin = 0; bin < points; bin++) {
      const logBin = Math.log(bin + Math.max(1, firstBin));
      while (below + 1 < last && this.windows[below + 1]!.logBin <= logBin) below++;
      const [here, next] = [this.windows[below]!.logBin, this.windows[Math.min(last, below + 1)]!.logBin];
      this.lower[bin] = below;
      this.fraction[bin] = next > here ? Math.min(1, Math.max(0, (logBin - here) / (next - here))) : 0;
    }
  }

  /**
   * Divides a spectrum by its background, in place.
   *
   * @param power [points], finite and not negative
   * @param least the smallest level a window can have, for stretches of zeros
   */
  divide(power: Float32Array, least: number): void {
    const { levels, lower, fraction } = this;
    this.windows.forEach((window, index) => {
      levels[index] = Math.log(Math.max(least, this.quantile(power, window)));
    });
    const last = levels.length - 1;
    for (let bin = 0; bin < power.length; bin++) {
      const below = lower[bin]!;
      const here = levels[below]!;
      const next = levels[below < last ? below + 1 : last]!;
      power[bin]! *= Math.exp(-here - fraction[bin]! * (next - here));
    }
  }

  private quantile(power: Float32Array, { first, end, stride }: Window): number {
    let count = 0;
    for (let bin = first; bin < end; bin += stride) this.sample[count++] = power[bin]!;
    return select(this.sample.subarray(0, count), Math.floor(QUANTILE * count));
  }
}

/** Windows from the lowest to the highest frequency; at the ends they are cut, and widened to `LEAST_BINS`. */
function windowsOf(points: number, firstBin: number): Window[] {
  const low = Math.log(firstBin);
  const high = Math.log(firstBin + points);
  const count = Math.max(1, Math.floor((high - low) / SPACING));
  return Array.from({ length: count }, (_, index) => {
    const logBin = low + ((index + 0.5) * (high - low)) / count;
    let first = Math.max(0, Math.floor(Math.exp(logBin - HALF_WIDTH) - firstBin));
    let end = Math.min(points, Math.ceil(Math.exp(logBin + HALF_WIDTH) - firstBin));
    const missing = LEAST_BINS - (end - first);
    if (missing > 0) {
      first = Math.max(0, first - Math.ceil(missing / 2));
      end = Math.min(points, first + LEAST_BINS);
      first = Math.max(0, end - LEAST_BINS);
    }
    return { logBin, first, end, stride: Math.ceil((end - first) / MOST_BINS) };
  });
}
