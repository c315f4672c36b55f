/** A star's power spectrum on any frequency grid -> the powers on the network's grid. */

import type { Grid } from "../data/grid";
import { frequencyOfBin } from "../data/grid";
import { rebinPower } from "../data/rebin";
import { DataError } from "../errors";
import { Random } from "../random";
import { medianStep, oversamplingOf, unevenShare } from "./spectrum-statistics";

/** Frequencies that ascend, in µHz, and powers that are finite and not negative. */
export interface Spectrum {
  readonly path: string;
  readonly frequencyUHz: Float64Array;
  readonly power: Float64Array;
  /** Bins per critical step 1/T where that is known; absent: told by the noise. */
  readonly oversampling?: number;
  /** What a reader of the result should know about the file, a sentence each. */
  readonly notes: readonly string[];
}

/** A spectrum on the network's grid. */
export interface Resampled {
  /** Powers in the spectrum's unit: [grid.points] */
  readonly power: Float32Array;
  /** The spectrum's notes, and what was done to it. */
  readonly notes: readonly string[];
}

/** Steps that differ less are the same grid, shifted by a few bins at most. */
const SAME_STEP = 1e-4;

/**
 * Steps that differ less are taken bin by bin too: one bin in twenty is left out or repeated, where a mean of two bins
 * would give noise that is narrower here and wider there, in a beat of the two grids.
 */
const NEAR_STEP = 0.05;

/** A coarser step stands for less than 12 days of observation, which resolve no giant's modes. */
const MAX_STEP_UHZ = 1;

/** More uneven steps make no grid with gaps, but another spacing such as even periods. */
const MAX_UNEVEN_SHARE = 0.1;

/** The part of the grid that the spectrum must cover. */
const LEAST_COVERAGE = 0.5;

/** Fewer bins without power, at the ends of the grid, are not worth a note. */
const NOTED_BINS = 10;

/** Covered bins whose mean is the level of the noise that fills a gap beside them. */
const LEVEL_BINS = 200;

/**
 * Brings a spectrum onto the grid.
 *
 * - The same step (within 5 %): the nearest bin.
 * - Oversampled: thinned to independent bins first, which keeps the chi-square statistics with two degrees of freedom; to
 *   the grid's own bins when the critical step is the grid's (within 5 %).
 * - Any other step: each bin of the spectrum is a box as wide as its step, and a grid bin takes the mean of the boxes
 *   weighted by their overlap: an average of a finer spectrum, an interpolation of a coarser one. Power integrated over
 *   frequency is conserved.
 * - Grid bins that the spectrum does not cover get exponential noise (a fixed sequence) at the mean power of the nearest
 *   200 covered bins, as an observation of nothing but that level would look. Ten or more are counted in a note.
 *
 * @throws {DataError} when the steps are uneven or too coarse, or the spectrum covers less than half of the grid.
 */
export function resampleSpectrum(spectrum: Spectrum, grid: Grid): Resampled {
  const stepUHz = evenStep(spectrum);
  const isNear = (step: number): boolean => Math.abs(step / grid.stepUHz - 1) <= NEAR_STEP;
  const oversampling = isNear(stepUHz) ? 1 : (spectrum.oversampling ?? plausibleOversampling(spectrum.power, stepUHz));
  const criticalUHz = oversampling * stepUHz;
  const out = new Float32Array(grid.points).fill(Number.NaN);
  const notes = [...spectrum.notes];
  if (isNear(criticalUHz)) {
    takeNearest(spectrum.frequencyUHz, spectrum.power, stepUHz, grid, out);
    if (oversampling > 1) {
      notes.push(`oversampled (step ${format(stepUHz)} µHz): thinned to the network's ${format(grid.stepUHz)} µHz`);
    } else if (Math.abs(stepUHz / grid.stepUHz - 1) > SAME_STEP) {
      notes.push(`step ${format(stepUHz)} µHz: the bins nearest to the network's ${format(grid.stepUHz)} µHz`);
    }
  } else {
    if (criticalUHz > MAX_STEP_UHZ) throw tooCoarse(spectrum, stepUHz);
    const { frequencyUHz, power } = thin(spectrum, oversampling, criticalUHz);
    rebinPower(frequencyUHz, power, criticalUHz, grid, out);
    if (oversampling > 1)
      notes.push(
        `oversampled ${oversampling} times (step ${format(stepUHz)} µHz): thinned to ${format(criticalUHz)} µHz`,
      );
    const verb = criticalUHz < grid.stepUHz ? "averaged" : "spread";
    notes.push(`step ${format(criticalUHz)} µHz: ${verb} to the network's ${format(grid.stepUHz)} µHz`);
  }
  const covered = out.reduce((count, value) => count + (Number.isNaN(value) ? 0 : 1), 0);
  if (covered < LEAST_COVERAGE * grid.points) throw tooLittleCovered(spectrum, grid, covered);
  if (grid.points - covered >= NOTED_BINS) {
    notes.push(`${grid.points - covered} of ${grid.points} bins not covered: filled with noise at the nearest level`);
  }
  if (covered < grid.points) fillGaps(out);
  return { power: out, notes };
}

/** Neighbours also correlate in the sidelobes of a strong line: no oversampling makes a usable step too coarse. */
function plausibleOversampling(power: Float64Array, stepUHz: number): number {
  const oversampling = oversamplingOf(power);
  return oversampling * stepUHz <= MAX_STEP_UHZ ? oversampling : 1;
}

/** The step of the spectrum in µHz. @throws {DataError} when it has none. */
function evenStep({ path, frequencyUHz }: Spectrum): number {
  const stepUHz = medianStep(frequencyUHz);
  const uneven = unevenShare(frequencyUHz, stepUHz);
  if (uneven <= MAX_UNEVEN_SHARE) return stepUHz;
  throw new DataError(
    `Cannot use "${path}": ${Math.round(100 * uneven)} % of its frequency steps are no multiple of the median step, ` +
      `${format(stepUHz)} µHz, expected an even grid (gaps may be left out)`,
    { path },
  );
}

/** Every `count`-th bin, those nearest to whole multiples of the critical step. */
function thin(
  { frequencyUHz, power }: Spectrum,
  count: number,
  criticalUHz: number,
): Pick<Spectrum, "frequencyUHz" | "power"> {
  if (count === 1) return { frequencyUHz, power };
  const first = frequencyUHz[0]!;
  const lead = Math.ceil(first / criticalUHz) * criticalUHz - first;
  const start = Math.round((count * lead) / criticalUHz) % count;
  const isKept = (_: number, index: number): boolean => index % count === start;
  return { frequencyUHz: frequencyUHz.filter(isKept), power: power.filter(isKept) };
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
    if (distance(near) <= 0.51 * Math.max(stepUHz, grid.stepUHz)) out[bin] = power[near]!;
  }
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

function tooCoarse({ path }: Spectrum, stepUHz: number): DataError {
  const days = (days: number): string => format(Number(days.toPrecision(2)));
  return new DataError(
    `Cannot use "${path}": its step of ${format(stepUHz)} µHz stands for ${days(1e6 / 86400 / stepUHz)} days of observation, ` +
      `expected at most ${MAX_STEP_UHZ} µHz (${days(1e6 / 86400 / MAX_STEP_UHZ)} days); is the unit of frequency right?`,
    { path },
  );
}

function tooLittleCovered({ path, frequencyUHz }: Spectrum, grid: Grid, covered: number): DataError {
  const range = `${format(frequencyUHz[0]!)} to ${format(frequencyUHz.at(-1)!)} µHz`;
  const highest = frequencyUHz.at(-1)!;
  const isLow = highest < frequencyOfBin(grid.points / 2, grid);
  const minutes = Math.round(1e6 / (2 * highest) / 60);
  const wanted = `${format(grid.firstFrequencyUHz)} to ${format(frequencyOfBin(grid.points - 1, grid))} µHz`;
  return new DataError(
    `Cannot use "${path}": its frequencies, ${range}, cover ${Math.floor((100 * covered) / grid.points)} % of the ` +
      `network's ${wanted}, expected at least ${100 * LEAST_COVERAGE} %; is the unit of frequency right?` +
      (isLow ? ` As a Nyquist frequency its highest one belongs to a cadence of ${minutes} minutes` : ""),
    { path },
  );
}

function format(value: number): string {
  return String(Number(value.toPrecision(5)));
}
