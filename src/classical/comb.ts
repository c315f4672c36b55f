/**
 * The comb of pressure modes: how strongly a stretch of a spectrum repeats at the large separation. The Fourier transform
 * of a windowed power spectrum is the autocorrelation of the filtered time series (Mosser & Appourchaux 2009, A&A 508 877,
 * eq. 4-9, the "EACF"); a comb of spacing dnu makes it stand out at 1/dnu and its multiples.
 */

import FFT from "fft.js";
import type { PowerSums } from "./cells";

/** dnu at a numax, µHz (Stello+ 2009, MNRAS 400 L80). */
export function expectedDnu(numax: number): number {
  return 0.263 * numax ** 0.77;
}

/** A comb's spacing and how much it stands out. */
export interface Comb {
  readonly dnu: number;
  /** Under noise alone the sum of four exponential deviates of mean 1; less what an unusual dnu costs. */
  readonly strength: number;
}

/**
 * The power itself tells most surely that there are modes. Its square root tells their spacing better: the tallest peaks,
 * which a short observation draws anew for each star, then weigh less beside the others.
 */
export type Weighting = "power" | "root";

/** Full width of the Hann window in expected dnu; its width at half height, 4 dnu, is that of the envelope of modes. */
const WINDOW_DNU = 8;

/** Cells per expected dnu: narrower than the modes' groups, wider than most modes. */
const CELLS_PER_DNU = 24;
const CELLS = WINDOW_DNU * CELLS_PER_DNU;
const FFT_SIZE = 1024;

/** Multiples of 1/dnu that are added: higher ones are damped by the modes' widths and the small separation. */
const HARMONICS = 4;

/** dnu is searched within these factors of the expected one. */
const LOWEST = 0.72;
const HIGHEST = 1.38;
const TRIALS = 120;

/**
 * Scatter of ln(dnu / expected): 7 % of the stars about the relation (Stello+ 2009; Yu+ 2018) and what the window's centre
 * is off. Half its square, in units of this, is taken off the strength, a logarithm of probability: combs of dipole and
 * radial modes otherwise pass for ones of 3/2 dnu, whose third multiple is their second.
 */
const SCATTER = 0.1;

/** Entries of the transform that any trial looks at. */
const USED = Math.ceil((HARMONICS * FFT_SIZE) / (CELLS_PER_DNU * LOWEST)) + 8;

const HANN = Float64Array.from({ length: CELLS }, (_, cell) => Math.sin((Math.PI * (cell + 0.5)) / CELLS) ** 2);
const HANN_SQUARES = HANN.reduce((sum, weight) => sum + weight * weight, 0);

/** Searches combs and keeps its working memory between searches. */
export class CombSearch {
  private readonly fft = new FFT(FFT_SIZE);
  private readonly input = new Float64Array(FFT_SIZE);
  private readonly transform = this.fft.createComplexArray();
  private readonly power = new Float64Array(FFT_SIZE / 2);

  /**
   * The strongest comb with about the expected dnu in a window centred on `numax`; a window that reaches beyond the
   * spectrum is cut there.
   *
   * @param noise see `noiseDensity`
   * @returns null where less than half of the window is covered
   */
  at(sums: PowerSums, numax: number, noise: number, weighting: Weighting): Comb | null {
    const expected = expectedDnu(numax);
    const width = expected / CELLS_PER_DNU;
    const first = numax - (CELLS / 2) * width;
    const start = Math.max(0, Math.ceil((sums.lowUHz - first) / width));
    const end = Math.min(CELLS, Math.floor((sums.highUHz - first) / width));
    if (end - start < CELLS / 2) return null;
    this.fillInput(sums, first, width, start, end);
    this.applyWindow(start, end, weighting);
    this.fft.realTransform(this.transform, this.input);
    const variance = (HANN_SQUARES * noise) / width;
    for (let index = 0; index < USED; index++) {
      this.power[index] = (this.transform[2 * index]! ** 2 + this.transform[2 * index + 1]! ** 2) / variance;
    }
    let best = { factor: 1, strength: -Infinity };
    const step = (HIGHEST / LOWEST) ** (1 / TRIALS);
    for (let factor = LOWEST; factor <= HIGHEST; factor *= step) {
      const strength = this.strengthAt(factor);
      if (strength > best.strength) best = { factor, strength };
    }
    // A parabola through the neighbours of the highest trial.
    const [below, above] = [this.strengthAt(best.factor / step), this.strengthAt(best.factor * step)];
    const bend = below - 2 * best.strength + above;
    const shift = bend < 0 ? Math.max(-1, Math.min(1, (below - above) / (2 * bend))) : 0;
    return { dnu: expected * best.factor * step ** shift, strength: best.strength };
  }

  /** Power of the cells over a straight line in log frequency and log power. */
  private fillInput(sums: PowerSums, first: number, width: number, start: number, end: number): void {
    const { input } = this;
    input.fill(0);
    let [n, x, y, xx, xy] = [0, 0, 0, 0, 0];
    const logs = this.power; // free until the transform
    for (let cell = start; cell < end; cell++) {
      const low = first + cell * width;
      const mean = sums.mean(low, low + width);
      const u = Math.log(low + width / 2);
      const v = Math.log(Math.max(mean, Number.MIN_VALUE));
      input[cell] = mean;
      logs[cell] = u;
      n++;
      x += u;
      y += v;
      xx += u * u;
      xy += u * v;
    }
    const slope = (n * xy - x * y) / (n * xx - x * x);
    for (let cell = start; cell < end; cell++) input[cell]! *= Math.exp(-slope * (logs[cell]! - x / n));
  }

  /** Relative deviations of the cells from their mean, under the window. */
  private applyWindow(start: number, end: number, weighting: Weighting): void {
    const { input } = this;
    const level = weightedMean(input, start, end);
    if (weighting === "root") {
      // Twice the root deviates as much as the power does where both deviate little.
      for (let cell = start; cell < end; cell++) input[cell] = 2 * Math.sqrt(input[cell]! / level);
    } else for (let cell = start; cell < end; cell++) input[cell]! /= level;
    const mean = weightedMean(input, start, end);
    for (let cell = start; cell < end; cell++) input[cell] = HANN[cell]! * (input[cell]! - mean);
  }

  /** The sum over multiples of 1/dnu, dnu in units of the expected one; the transform is interpolated linearly. */
  private strengthAt(factor: number): number {
    let strength = -0.5 * (Math.log(factor) / SCATTER) ** 2;
    for (let harmonic = 1; harmonic <= HARMONICS; harmonic++) {
      const place = (harmonic * FFT_SIZE) / (CELLS_PER_DNU * factor);
      const index = Math.floor(place);
      const part = place - index;
      strength += (1 - part) * this.power[index]! + part * this.power[index + 1]!;
    }
    return strength;
  }
}

function weightedMean(cells: Float64Array, start: number, end: number): number {
  let sum = 0;
  let weights = 0;
  for (let cell = start; cell < end; cell++) {
    sum += HANN[cell]! * cells[cell]!;
    weights += HANN[cell]!;
  }
  return sum / weights;
}
