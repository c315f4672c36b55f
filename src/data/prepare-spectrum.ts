/** How a power spectrum is scaled for the network: one way for training rows and real stars alike. */

import { ConfigError, DataError, type DataLocation } from "../errors";
import { BackgroundEstimator } from "./background";
import { FIRST_BIN, POINTS } from "./grid";
import { median } from "./median";

/**
 * `median` divides a spectrum by its median power, `background` by a smooth curve through its lower quantiles; `none`
 * takes the powers as they are.
 */
export type Normalization = "median" | "background" | "none";

/** What happens to a spectrum before the network sees it. */
export interface Preparation {
  readonly normalize: Normalization;
  /** Neighbouring bins whose mean power makes one input of the network. */
  readonly rebin: number;
}

/**
 * Inputs of the network for spectra of `points` bins: those left over at the end are dropped.
 *
 * @throws {ConfigError} when a spectrum has too few bins for one input.
 */
export function inputPoints(points: number, rebin: number): number {
  if (rebin > 1 && rebin > points) {
    throw new ConfigError(`Setting "rebin" is ${rebin}: must be at most ${points}, the bins of a spectrum`);
  }
  return Math.floor(points / rebin);
}

/** Prepares spectra of one length. */
export class SpectrumPreparer {
  /** What one spectrum becomes. */
  readonly inputs: number;
  private readonly background: BackgroundEstimator | null;

  /**
   * @param points bins of a spectrum
   * @throws {ConfigError} when they are too few for one input.
   */
  constructor(
    readonly preparation: Preparation,
    readonly points: number,
  ) {
    this.inputs = inputPoints(points, preparation.rebin);
    const firstBin = points === POINTS ? FIRST_BIN / preparation.rebin : 0;
    this.background = preparation.normalize === "background" ? new BackgroundEstimator(this.inputs, firstBin) : null;
  }

  /**
   * Averages, scales and lifts powers below the floor, so that every value has a logarithm. The result does not depend on
   * the unit of the power unless `normalize` is "none".
   *
   * @param power [points] powers, finite and not negative
   * @param out [inputs] scaled powers, all positive; may share the memory of `power`'s beginning
   * @param location where the spectrum comes from, for messages
   * @throws {DataError} when a power is NaN, infinite or negative, or half of the powers are zero.
   */
  prepare(power: Float32Array | Float64Array, out: Float32Array, location: DataLocation): void {
    const { normalize, rebin } = this.preparation;
    const zeros = countZeros(power, location);
    const binned = rebin === 1 ? power : average(power, rebin, out);
    if (normalize === "none") {
      for (let bin = 0; bin < out.length; bin++) out[bin] = Math.max(binned[bin]!, RAW_FLOOR);
      return;
    }
    const level = median(binned);
    if (!(level > 0)) throw zeroMedian(zeros, power.length, location);
    for (let bin = 0; bin < out.length; bin++) out[bin] = binned[bin]! / level;
    this.background?.divide(out, LEAST_BACKGROUND);
    for (let bin = 0; bin < out.length; bin++) out[bin] = Math.max(out[bin]!, MEDIAN_FLOOR);
  }
}

/** The lowest background, in units of the median power: what divides stretches of zeros. */
const LEAST_BACKGROUND = 1e-6;

/** Prepares one spectrum as `SpectrumPreparer` does, each of its bins an input of the network. */
export function prepareSpectrum(
  power: Float32Array | Float64Array,
  out: Float32Array,
  normalize: Normalization,
  location: DataLocation,
): void {
  new SpectrumPreparer({ normalize, rebin: 1 }, power.length).prepare(power, out, location);
}

/**
 * The smallest power, in units of the median, that the network's logarithm meets. Where the power is at its median, one
 * bin in 1400 of a chi-square-noise spectrum lies below; exact zeros, which background-divided files hold in up to 7 % of
 * their bins, come to lie at the edge of the natural scatter instead of at minus infinity.
 */
export const MEDIAN_FLOOR = 1e-3;

/** Without scaling only zeros are moved: to the smallest normal float32, whose logarithm is -87.3. */
export const RAW_FLOOR = 2 ** -126;

const FLOAT32_MAX = (2 - 2 ** -23) * 2 ** 127;

/** out[k] = mean of `rebin` powers from k * rebin on. */
function average(power: Float32Array | Float64Array, rebin: number, out: Float32Array): Float32Array {
  for (let bin = 0; bin < out.length; bin++) {
    let sum = 0;
    for (let offset = 0; offset < rebin; offset++) sum += power[bin * rebin + offset]!;
    out[bin] = sum / rebin;
  }
  return out;
}

/** The number of zeros. @throws {DataError} when a power is NaN, infinite or negative. */
function countZeros(power: Float32Array | Float64Array, location: DataLocation): number {
  let zeros = 0;
  for (let bin = 0; bin < power.length; bin++) {
    const value = power[bin]!;
    if (!(value >= 0 && value <= FLOAT32_MAX)) throw badPower(value, bin, location);
    if (value === 0) zeros++;
  }
  return zeros;
}

function badPower(value: number, bin: number, location: DataLocation): DataError {
  const where = location.row === undefined ? `bin ${bin}` : `row ${location.row}, column ${bin}`;
  return new DataError(
    `Cannot use "${location.path}": the power at ${where} is ${value}, expected a finite number of at least 0`,
    { ...location, column: bin },
  );
}

function zeroMedian(zeros: number, points: number, location: DataLocation): DataError {
  const where = location.row === undefined ? "the spectrum" : `row ${location.row}`;
  return new DataError(
    `Cannot scale "${location.path}": ${where} has ${zeros} zeros among ${points} powers, expected fewer than half`,
    location,
  );
}
