/** Files of spectra, simulated or observed -> powers on the network's grid, one star after the other. */

import { FileReader } from "../data/file-reader";
import type { Grid } from "../data/grid";
import { formatShape } from "../data/npy";
import { NpyMatrix } from "../data/npy-matrix";
import { LABEL_COLUMNS } from "../data/parameters";
import { prepareSpectrum } from "../data/prepare-spectrum";
import { DataError } from "../errors";
import { readStarFits } from "./fits-star";
import type { FrequencyUnit } from "./frequency-unit";
import { type LightCurve, lightCurveSpectrum } from "./light-curve";
import { OtherKindError } from "./other-kind";
import { resampleSpectrum, type Spectrum } from "./resample";
import { isFits, readBytes } from "./spectrum-bytes";
import { checkSpectrum } from "./spectrum-check";
import { parseSpectrumText } from "./spectrum-text";

/** One star, ready to be scaled for the network. */
export interface StarSpectrum {
  /** The file, with the row where it holds several: `data_000.npy[3]`. */
  readonly input: string;
  /** Powers on the network's grid, before scaling: [points] */
  readonly power: Float32Array;
  /** What was done to the spectrum. */
  readonly notes: readonly string[];
}

/** What the network takes in. */
export interface InputGrid {
  readonly points: number;
  /** Null when the frequencies behind the points are not known: only spectra of exactly `points` powers can be read. */
  readonly grid: Grid | null;
}

/** How spectra are read. */
export interface ReadOptions {
  /** Of the frequencies; absent: as each file says, else told by the range. */
  readonly unit?: FrequencyUnit;
  /** Called for each star or file that cannot be used, which is then left out; absent: the error is thrown. */
  readonly onFailure?: (error: DataError) => void;
  /** Called for each file that is left out of a folder because it holds no star; absent: it is a failure. */
  readonly onOther?: (error: OtherKindError) => void;
}

/**
 * Reads the stars of one input:
 *
 * - text or CSV with a frequency and a power column, in any unit and on any grid, or a time and a flux column (see
 *   `parseSpectrumText`);
 * - FITS with a power spectrum or a light curve (see `readStarFits`);
 * - both of them compressed by gzip;
 * - `.npy` of shape `[2, n]` or `[n, 2]`: frequencies and powers;
 * - `.npy` of shape `[points]`, `[rows, points]`, `[points + 36]` or `[rows, points + 36]`: powers on the network's grid,
 *   the 36 label columns of a data set's shard ignored; `file.npy[3]` names a single row, counted from 0.
 *
 * @throws {DataError} naming the file and the line or row that is wrong, and what would be right; unless
 *   `options.onFailure` takes it.
 */
export async function* readStars(
  input: string,
  target: InputGrid,
  options: ReadOptions = {},
): AsyncGenerator<StarSpectrum, void, undefined> {
  const [, path = input, row] = /^(.*\.npy)\[(\d+)\]$/i.exec(input) ?? [];
  try {
    if (/\.npy$/i.test(path)) yield* readNpyStars(path, row === undefined ? null : Number(row), target, options);
    else {
      const grid = gridOf(path, target);
      const { spectrum, curve } = await readStarFile(path, options.unit);
      yield { input, ...resampleSpectrum(spectrum ?? lightCurveSpectrum([curve!]), grid) };
    }
  } catch (error) {
    reportOrThrow(error, options);
  }
}

/**
 * Reads the light curves of one star, one file each, and makes one spectrum of them; files that hold spectra after all
 * are stars of their own.
 *
 * @param name what the star is called
 * @throws {DataError} as `readStars` does; with `options.onFailure` the other files are used.
 */
export async function* readStitched(
  name: string,
  paths: readonly string[],
  target: InputGrid,
  options: ReadOptions,
): AsyncGenerator<StarSpectrum, void, undefined> {
  const curves: LightCurve[] = [];
  for (const path of paths) {
    try {
      const { curve, spectrum } = await readStarFile(path, options.unit);
      if (curve !== undefined) curves.push(curve);
      else yield { input: path, ...resampleSpectrum(spectrum!, gridOf(path, target)) };
    } catch (error) {
      reportOrThrow(error, options);
    }
  }
  if (curves.length === 0) return;
  try {
    const spectrum = lightCurveSpectrum(curves);
    const resampled = resampleSpectrum(spectrum, gridOf(paths[0]!, target));
    yield { input: name, ...resampled, notes: [`light curves of ${curves.length} files`, ...resampled.notes] };
  } catch (error) {
    reportOrThrow(error, options);
  }
}

/** Gives an unusable file to the caller's report; mistakes of the program are thrown. */
function reportOrThrow(error: unknown, { onFailure, onOther }: ReadOptions): void {
  if (onOther !== undefined && error instanceof OtherKindError) onOther(error);
  else if (onFailure === undefined || !(error instanceof DataError)) throw error;
  else onFailure(error);
}

async function readStarFile(
  path: string,
  unit: FrequencyUnit | undefined,
): Promise<{ readonly spectrum?: Spectrum; readonly curve?: LightCurve }> {
  const bytes = await readBytes(path);
  if (isFits(bytes)) return readStarFits(bytes, path, unit);
  const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe; // as Windows writes "Unicode text"
  if (!isUtf16 && bytes.subarray(0, 4096).includes(0)) {
    throw new OtherKindError(
      `Cannot read "${path}": it is a binary file, expected two columns of text (frequency, power), FITS or a .npy file`,
      { path },
    );
  }
  return { spectrum: parseSpectrumText(bytes.toString(isUtf16 ? "utf16le" : "utf8"), path, unit) };
}

function gridOf(path: string, { points, grid }: InputGrid): Grid {
  if (grid === null) throw unknownGrid(path, points);
  return grid;
}

async function* readNpyStars(
  path: string,
  wanted: number | null,
  target: InputGrid,
  options: ReadOptions,
): AsyncGenerator<StarSpectrum, void, undefined> {
  const { points } = target;
  const reader = new FileReader();
  try {
    const matrix = await NpyMatrix.open(path, reader);
    const { rows, columns } = matrix;
    if (wanted !== null && wanted >= rows) {
      throw new DataError(`Cannot read row ${wanted} of "${path}": it has ${rows} rows`, { path }, { isRequest: true });
    }
    const isOnGrid = columns === points || columns === points + LABEL_COLUMNS;
    if (isOnGrid && !(rows === 2 && wanted === null && (await isFrequencyRow(matrix)))) {
      const isSingle = rows === 1 && wanted === null;
      const [first, end] = wanted === null ? [0, rows] : [wanted, wanted + 1];
      for (let row = first; row < end; row++) {
        const power = new Float32Array(points);
        const input = isSingle ? path : `${path}[${row}]`;
        await matrix.readRow(row, power);
        try {
          checkPowers(power, input);
        } catch (error) {
          reportOrThrow(error, options);
          continue;
        }
        yield { input, power, notes: [] };
      }
      return;
    }
    const pair = await maybeReadPair(matrix);
    if (pair === null) {
      throw new OtherKindError(
        `Cannot use "${path}": its shape is ${formatShape(matrix.header.shape)}, expected [rows, ${points}] or ` +
          `[rows, ${points + LABEL_COLUMNS}] (powers on the network's grid), or [2, n] or [n, 2] (frequencies and powers)`,
        { path },
      );
    }
    const nameOf = (index: number): string => `row ${index}`;
    const spectrum = checkSpectrum({ ...pair, nameOf }, path, options.unit);
    yield { input: path, ...resampleSpectrum(spectrum, gridOf(path, target)) };
  } finally {
    reader.close();
  }
}

/** Two rows of the network's length may be two stars or one with its frequencies; noisy powers never ascend throughout. */
async function isFrequencyRow(matrix: NpyMatrix): Promise<boolean> {
  const values = new Float64Array(matrix.columns);
  await matrix.readRow(0, values);
  return values.every((value, index) => index === 0 || value > values[index - 1]!);
}

async function maybeReadPair(matrix: NpyMatrix): Promise<{ frequency: Float64Array; power: Float64Array } | null> {
  if (matrix.rows === 2 && matrix.columns > 2) {
    const frequency = new Float64Array(matrix.columns);
    const power = new Float64Array(matrix.columns);
    await matrix.readRow(0, frequency);
    await matrix.readRow(1, power);
    return { frequency, power };
  }
  if (matrix.columns !== 2) return null;
  const frequency = new Float64Array(matrix.rows);
  const power = new Float64Array(matrix.rows);
  const visit = (row: number, values: Float64Array): void => {
    frequency[row] = values[0]!;
    power[row] = values[1]!;
  };
  await matrix.readLastColumns(2, visit, () => {});
  return { frequency, power };
}

/** @throws {DataError} when the powers could not be scaled: before a batch is made of them and others. */
function checkPowers(power: Float32Array, path: string): void {
  let usable = 0;
  let zeros = 0;
  for (let bin = 0; bin < power.length; bin++) {
    if (power[bin]! > 0 && power[bin]! < Infinity) usable++;
    else if (power[bin] === 0) zeros++;
  }
  if (usable + zeros < power.length || 2 * zeros > power.length) {
    prepareSpectrum(power, new Float32Array(power.length), "median", { path });
  }
}

function unknownGrid(path: string, points: number): DataError {
  return new DataError(
    `Cannot use "${path}": the network takes ${points} powers whose frequencies are not known, expected a .npy file of ` +
      `shape [rows, ${points}]`,
    { path },
    { isRequest: true },
  );
}
