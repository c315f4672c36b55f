/** A star's power spectrum on any frequency grid -> the powers on the network's grid. */

import type { Grid } from "../data/grid";
import { frequencyOfBin } from "../data/grid";
import { median } from "../data/median";
import { DataError } from "../errors";
import { Random } from "../random";

/** Frequencies that ascend, in µHz, and powers that are finite and not negative. */
export interface Spectrum {
  readonly path: string;
  readonly frequencyUHz: Float64Array;
  readonly power: Float64Array;
  /** What a reader of the result should know about the file, a sentence each. */
  readonly notes: readonly string[];
}

export interface Resampled {
  /** Powers in the spectrum's unit: [grid.points] */
  readonly power: Float32Array;
  /** The spectrum's notes, and what was done to it. */
  readonly notes: readonly string[];
}

/** Steps that differ less are the same grid, shifted by less than half a bin. */
const SAME_STEP = 1e-4;

/** Neighbouring powers of a critically sampled spectrum are independent; twofold oversampling correlates them by 0.4. */
const OVERSAMPLED_CORRELATION = 0.3;

/** The part of the grid that the spectrum must cover. */
const LEAST_COVERAGE = 0.5;

/** Covered bins whose mean is the level of the noise that fills a gap beside them. */
const LEVEL_BINS = 200;

/**
 * Brings a spectrum onto the grid.
 *
 * - Same step (within 1e-4), or oversampled and finer: the nearest bin. Thinning keeps the chi-square statistics with two
 *   degrees of freedom that the network was trained on; averaging correlated bins would not.
 * - Any other step: each bin of the spectrum is a box as wide as its step, and a grid bin takes the mean of the boxes
 *   weighted by their overlap. Power integrated over frequency is conserved.
 * - Grid bins that the spectrum does not cover get exponential noise (a fixed sequence) at the mean power of the nearest
 *   200 covered bins, as an observation of nothing but that level would look. They are counted in a note.
 *
 * @throws {DataError} when the spectrum covers less than half of the grid.
 */
export function resampleSpectrum(spectrum: Spectrum, grid: Grid): Resampled {
  const { frequencyUHz, power } = spectrum;
  const stepUHz = medianStep(frequencyUHz);
  const isSameStep = Math.abs(stepUHz / grid.stepUHz - 1) <= SAME_STEP;
  const isFiner = stepUHz < grid.stepUHz;
  const isThinned = !isSameStep && isFiner && neighbourCorrelation(power) > OVERSAMPLED_CORRELATION;
  const out = new Float32Array(grid.points).fill(Number.NaN);
  if (isSameStep || isThinned) takeNearest(frequencyUHz, power, stepUHz, grid, out);
  else rebin(frequencyUHz, power, stepUHz, grid, out);

  const notes = [...spectrum.notes];
  if (isThinned)
    notes.push(`oversampled (step ${format(stepUHz)} µHz): thinned to the network's ${format(grid.stepUHz)} µHz`);
  else if (!isSameStep) {
    const verb = isFiner ? "averaged" : "spread";
    notes.push(`step ${format(stepUHz)} µHz: ${verb} to the network's ${format(grid.stepUHz)} µHz`);
  }
  const covered = out.reduce((count, value) => count + (Number.isNaN(value) ? 0 : 1), 0);
  if (covered < LEAST_COVERAGE * grid.points) throw tooLittleCovered(spectrum, grid, covered);
  if (covered < grid.points) {
    notes.push(`${grid.points - covered} of ${grid.points} bins not covered: filled with noise at the nearest level`);
    fillGaps(out);
  }
  return { power: out, notes };
}

/** The median distance of neighbouring frequencies, in their unit. */
export function medianStep(frequencies: Float64Array): number {
  return median(Float64Array.from({ length: frequencies.length - 1 }, (_, i) => frequencies[i + 1]! - frequencies[i]!));
}

function takeNearest(
  frequencyUHz: Float64Array,
  power: Float64Array,
  stepUHz: number,
  grid: Grid,
  out: Float32Array,
): void {
  let near = 0;
  for (let bin = 0; bin < grid.points; bin++) {
    const frequency = frequencyOfBin(bin, grid);
    const distance = (index: number): number => Math.abs(frequencyUHz[index]! - frequency);
    while (near + 1 < frequencyUHz.length && distance(near + 1) <= distance(near)) near++;
    // A little more than half a step, against rounding in files with few digits.
    if (distance(near) <= 0.51 * stepUHz) out[bin] = power[near]!;
  }
}

function rebin(frequencyUHz: Float64Array, power: Float64Array, stepUHz: number, grid: Grid, out: Float32Array): void {
  let first = 0;
  for (let bin = 0; bin < grid.points; bin++) {
    const center = frequencyOfBin(bin, grid);
    const low = center - grid.stepUHz / 2;
    const high = center + grid.stepUHz / 2;
    while (first < frequencyUHz.length && frequencyUHz[first]! + stepUHz / 2 <= low) first++;
    let overlap = 0;
    let sum = 0;
    for (let index = first; index < frequencyUHz.length; index++) {
      const start = frequencyUHz[index]! - stepUHz / 2;
      if (start >= high) break;
      const part = Math.min(high, start + stepUHz) - Math.max(low, start);
      overlap += part;
      sum += part * power[index]!;
    }
    if (overlap > grid.stepUHz / 2) out[bin] = sum / overlap;
  }
}

/** How strongly neighbouring log powers go together; differences far apart stand for independent ones. */
function neighbourCorrelation(power: Float64Array): number {
  const far = 50;
  let near = 0;
  let independent = 0;
  for (let index = 0; index + far < power.length; index++) {
    const here = power[index]!;
    const next = power[index + 1]!;
    const distant = power[index + far]!;
    if (here === 0 || next === 0 || distant === 0) continue;
    near += Math.log(next / here) ** 2;
    independent += Math.log(distant / here) ** 2;
  }
  return independent > 0 ? 1 - near / independent : 0;
}

function fillGaps(power: Float32Array): void {
  const random = new Random(0x9a95);
  let bin = 0;
  while (bin < power.length) {
    if (!Number.isNaN(power[bin]!)) {
      bin++;
      continue;
    }
    let end = bin;
    while (end < power.length && Number.isNaN(power[end]!)) end++;
    const before = levelOf(power.subarray(Math.max(0, bin - LEVEL_BINS), bin));
    const after = levelOf(power.subarray(end, end + LEVEL_BINS));
    for (let gap = bin; gap < end; gap++) {
      const level = Number.isNaN(after) || (gap - bin < end - gap && !Number.isNaN(before)) ? before : after;
      power[gap] = -level * Math.log(random.uniform());
    }
    bin = end;
  }
}

/** The mean of the covered bins, NaN when there is none. */
function levelOf(power: Float32Array): number {
  const covered = power.filter((value) => !Number.isNaN(value));
  return covered.reduce((sum, value) => sum + value, 0) / covered.length;
}

function tooLittleCovered({ path, frequencyUHz }: Spectrum, grid: Grid, covered: number): DataError {
  const range = `${format(frequencyUHz[0]!)} to ${format(frequencyUHz.at(-1)!)} µHz`;
  const wanted = `${format(grid.firstFrequencyUHz)} to ${format(frequencyOfBin(grid.points - 1, grid))} µHz`;
  return new DataError(
    `Cannot use "${path}": its frequencies, ${range}, cover ${Math.round((100 * covered) / grid.points)} % of the ` +
      `network's ${wanted}, expected at least ${100 * LEAST_COVERAGE} %; is the unit of frequency right?`,
    { path },
  );
}

function format(value: number): string {
  return String(Number(value.toPrecision(5)));
}
