/** How a power spectrum is scaled for the network: one function for training rows and real stars alike. */

import { DataError, type DataLocation } from "../errors";
import { median } from "./median";

/** `median` divides a spectrum by its median power; `none` takes the powers as they are. */
export type Normalization = "median" | "none";

/**
 * The smallest power, in units of the median, that the network's logarithm meets. Where the power is at its median, one
 * bin in 1400 of a chi-square-noise spectrum lies below; exact zeros, which background-divided files hold in up to 7 % of
 * their bins, come to lie at the edge of the natural scatter instead of at minus infinity.
 */
export const MEDIAN_FLOOR = 1e-3;

/** Without scaling only zeros are moved: to the smallest normal float32, whose logarithm is -87.3. */
export const RAW_FLOOR = 2 ** -126;

const FLOAT32_MAX = (2 - 2 ** -23) * 2 ** 127;

/**
 * Scales a spectrum and lifts powers below the floor, so that every value has a logarithm. The result does not depend on
 * the unit of the power when `normalize` is "median".
 *
 * @param power [points] powers, finite and not negative
 * @param out [points] scaled powers, all positive; may be `power` itself
 * @param location where the spectrum comes from, for messages
 * @throws {DataError} when a power is NaN, infinite or negative, or half of the powers are zero.
 */
export function prepareSpectrum(
  power: Float32Array | Float64Array,
  out: Float32Array,
  normalize: Normalization,
  location: DataLocation,
): void {
  for (let bin = 0; bin < power.length; bin++) {
    const value = power[bin]!;
    if (!(value >= 0 && value <= FLOAT32_MAX)) throw badPower(value, bin, location);
  }
  if (normalize === "none") {
    for (let bin = 0; bin < power.length; bin++) out[bin] = Math.max(power[bin]!, RAW_FLOOR);
    return;
  }
  const scale = median(power);
  if (!(scale > 0)) throw zeroMedian(power, location);
  for (let bin = 0; bin < power.length; bin++) out[bin] = Math.max(power[bin]! / scale, MEDIAN_FLOOR);
}

function badPower(value: number, bin: number, location: DataLocation): DataError {
  const where = location.row === undefined ? `bin ${bin}` : `row ${location.row}, column ${bin}`;
  return new DataError(
    `Cannot use "${location.path}": the power at ${where} is ${value}, expected a finite number of at least 0`,
    { ...location, column: bin },
  );
}

function zeroMedian(power: Float32Array | Float64Array, location: DataLocation): DataError {
  let zeros = 0;
  for (const value of power) if (value === 0) zeros++;
  const where = location.row === undefined ? "the spectrum" : `row ${location.row}`;
  return new DataError(
    `Cannot scale "${location.path}": ${where} has ${zeros} zeros among ${power.length} powers, expected fewer than half`,
    location,
  );
}
