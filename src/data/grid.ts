/**
 * The frequency grid of the network's input: the last 35692 bins of a four-year Kepler long-cadence spectrum,
 * critically sampled (step 1/T with T = 1470.46 d), from 2.29 µHz to the Nyquist frequency of 283.21 µHz.
 */

/** Evenly spaced frequencies: bin k lies at `firstFrequencyUHz + k * stepUHz`. */
export interface Grid {
  readonly points: number;
  readonly firstFrequencyUHz: number;
  readonly stepUHz: number;
}

/** The number of bins of one spectrum. */
export const POINTS = 35692;

/** The first bin's index in the full spectrum, whose bin 0 lies at frequency 0. */
export const FIRST_BIN = 291;

/** The frequency step in µHz. */
export const STEP_UHZ = 0.00787104;

/** The observation whose frequency step, 1/T, is `STEP_UHZ`; days. */
export const LONGEST_DAYS = 1e6 / 86400 / STEP_UHZ;

/** The shortest observation that is simulated, a little less than a sector of TESS; days. */
export const SHORTEST_DAYS = 20;

/** The Nyquist frequency of Kepler long cadence (29.4244 min) in µHz. */
export const NYQUIST_UHZ = 283.21;

/** The grid as an object. */
export const KEPLER_GRID: Grid = { points: POINTS, firstFrequencyUHz: FIRST_BIN * STEP_UHZ, stepUHz: STEP_UHZ };

/** The frequency of a bin in µHz; `bin` counts from 0 at the grid's first frequency and may be fractional. */
export function frequencyOfBin(bin: number, grid: Grid = KEPLER_GRID): number {
  return grid.firstFrequencyUHz + bin * grid.stepUHz;
}

/** The fractional bin of a frequency in µHz; negative or beyond the last bin when it lies outside the grid. */
export function binOfFrequency(frequencyUHz: number, grid: Grid = KEPLER_GRID): number {
  return (frequencyUHz - grid.firstFrequencyUHz) / grid.stepUHz;
}

/** The frequencies of all bins in µHz: [points]. */
export function gridFrequencies(grid: Grid = KEPLER_GRID): Float64Array {
  return Float64Array.from({ length: grid.points }, (_, bin) => frequencyOfBin(bin, grid));
}
