/** Frequencies and powers of a file -> a spectrum in µHz, with every value checked. */

import { DataError } from "../errors";
import { FREQUENCY_UNITS, type FrequencyUnit, IN_UHZ, maybeUnitOfRange } from "./frequency-unit";
import type { Spectrum } from "./resample";
import { noiseRatio } from "./spectrum-statistics";

/** Fewer bins are no spectrum that can be resampled. */
export const LEAST_BINS = 100;

/** Numbers with the line each pair comes from, for messages. */
export interface Columns {
  readonly frequency: Float64Array;
  readonly power: Float64Array;
  /** What a pair is called in messages: `line 17`, `row 17`. */
  readonly nameOf: (index: number) => string;
  /** True where `power` holds amplitudes, whose squares are powers. */
  readonly isAmplitude?: boolean | undefined;
}

/** More negative values are no slips of single powers. */
const LEAST_NEGATIVE = 0.1;

const LIGHT_CURVE_HINT = 'is it a light curve (name its columns in a header such as "time flux")';

/** Powers a few tens of bins apart differ by a factor of 3 on average; smoother ones are no observed power spectrum. */
const LEAST_NOISE_RATIO = 1.1;

/** Below this they are no single powers: amplitudes differ by a factor of 1.73, averages of three powers by 1.78. */
const SINGLE_NOISE_RATIO = 1.9;

/**
 * Checks frequencies and powers, and brings the frequencies to µHz. Descending ones are reversed, amplitudes squared, and a
 * bin at frequency 0, which some programs fill with NaN, is left out.
 *
 * @throws {DataError} when there are too few, a frequency or power is not finite, frequencies do not ascend, a power is
 *   negative, the powers are too smooth for a spectrum's, or the unit cannot be told.
 */
export function checkSpectrum(columns: Columns, path: string, unit?: FrequencyUnit): Spectrum {
  const { frequency, power: given, nameOf, isAmplitude = false } = ascending(columns);
  const quantity = isAmplitude ? "amplitude" : "power";
  const fail = (index: number, problem: string): DataError =>
    new DataError(`Cannot use "${path}": ${nameOf(index)}: ${problem}`, { path, row: index });
  if (frequency.length < LEAST_BINS) {
    throw new DataError(
      `Cannot use "${path}": it holds ${frequency.length} frequencies, expected a power spectrum of at least ${LEAST_BINS}`,
      { path },
    );
  }
  const negative = given.reduce((count, value) => count + (value < 0 ? 1 : 0), 0) / given.length;
  if (negative > LEAST_NEGATIVE) {
    throw new DataError(
      `Cannot use "${path}": ${Math.round(100 * negative)} % of its powers are negative; ${LIGHT_CURVE_HINT}?`,
      { path },
    );
  }
  for (let index = 0; index < frequency.length; index++) {
    const [f, p] = [frequency[index]!, given[index]!];
    if (!Number.isFinite(f) || f < 0)
      throw fail(index, `the frequency is ${f}, expected a finite number of at least 0`);
    if (!(p >= 0 && p < Infinity)) throw fail(index, `the ${quantity} is ${p}, expected a finite number of at least 0`);
    if (index === 0 || f > frequency[index - 1]!) continue;
    const relation = f === frequency[index - 1]! ? "repeats" : "lies below";
    throw fail(
      index,
      `the frequency ${f} ${relation} the one before it (${frequency[index - 1]}), expected ascending ones`,
    );
  }
  const highest = frequency.at(-1)!;
  const known = unit ?? maybeUnitOfRange(highest);
  if (known === null) {
    throw new DataError(
      `Cannot use "${path}": frequencies up to ${highest} may be in several units; name one of ` +
        `${FREQUENCY_UNITS.join(", ")} in a header such as "frequency_uHz power"`,
      { path },
      { isRequest: true },
    );
  }
  const power = isAmplitude ? given.map((value) => value * value) : given;
  const zeros = power.reduce((count, value) => count + (value === 0 ? 1 : 0), 0);
  if (2 * zeros >= power.length) {
    throw new DataError(
      `Cannot use "${path}": ${zeros} of its ${power.length} powers are 0, expected fewer than half`,
      { path },
    );
  }
  const ratio = noiseRatio(power);
  if (ratio < LEAST_NOISE_RATIO) {
    throw new DataError(
      `Cannot use "${path}": its powers scatter by a factor of ${ratio.toFixed(2)}, those of a power spectrum by about 3; ` +
        `${LIGHT_CURVE_HINT} or smoothed?`,
      { path },
    );
  }
  const smoothness =
    `powers scatter by a factor of ${ratio.toFixed(1)}, those of a power spectrum by 3: are they amplitudes ` +
    '(to be squared: name the column "amplitude") or averages of several bins? HNR depends on it';
  const notes = [
    ...(isAmplitude ? ["amplitudes squared to powers"] : []),
    ...(unit === undefined ? [`frequencies taken as ${known}, from their range (no header says the unit)`] : []),
    ...(ratio < SINGLE_NOISE_RATIO ? [smoothness] : []),
    ...(zeros > 0 ? [`${zeros} of ${power.length} powers are 0: raised to the floor`] : []),
  ];
  return { path, frequencyUHz: frequency.map((value) => value * IN_UHZ[known]), power, notes };
}

/** Refuses periods: an even grid of them is no even grid of frequencies. */
export function periodColumn(path: string, name: string): DataError {
  return new DataError(
    `Cannot use "${path}": its column ${JSON.stringify(name)} is a period, expected frequencies on an even grid`,
    { path },
  );
}

function ascending(columns: Columns): Columns {
  const { frequency, power, nameOf } = columns;
  const isReversed = frequency.length > 1 && frequency.every((f, index) => index === 0 || f < frequency[index - 1]!);
  const last = frequency.length - 1;
  const ordered: Columns = isReversed
    ? {
        ...columns,
        frequency: frequency.slice().reverse(),
        power: power.slice().reverse(),
        nameOf: (index) => nameOf(last - index),
      }
    : columns;
  if (ordered.frequency[0] !== 0) return ordered;
  return {
    ...ordered,
    frequency: ordered.frequency.subarray(1),
    power: ordered.power.subarray(1),
    nameOf: (index) => ordered.nameOf(index + 1),
  };
}
