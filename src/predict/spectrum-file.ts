/** Files of spectra, simulated or observed -> powers on the network's grid, one star after the other. */

import { readFile } from "node:fs/promises";
import { FileReader } from "../data/file-reader";
import type { Grid } from "../data/grid";
import { formatShape } from "../data/npy";
import { NpyMatrix } from "../data/npy-matrix";
import { LABEL_COLUMNS } from "../data/parameters";
import { DataError } from "../errors";
import { describeIoError } from "../files";
import type { FrequencyUnit } from "./frequency-unit";
import { resampleSpectrum } from "./resample";
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

/**
 * Reads the stars of one input:
 *
 * - text or CSV with a frequency and a power column, in any unit and on any grid (see `parseSpectrumText`);
 * - `.npy` of shape `[2, n]` or `[n, 2]`: frequencies and powers;
 * - `.npy` of shape `[points]`, `[rows, points]`, `[points + 36]` or `[rows, points + 36]`: powers on the network's grid,
 *   the 36 label columns of a data set's shard ignored; `file.npy[3]` names a single row, counted from 0.
 *
 * @throws {DataError} naming the file and the line or row that is wrong, and what would be right.
 */
export async function* readStars(
  input: string,
  target: InputGrid,
  options: { readonly unit?: FrequencyUnit } = {},
): AsyncGenerator<StarSpectrum, void, undefined> {
  const [, path = input, row] = /^(.*\.npy)\[(\d+)\]$/i.exec(input) ?? [];
  if (/\.npy$/i.test(path)) {
    yield* readNpyStars(path, row === undefined ? null : Number(row), target, options.unit);
    return;
  }
  const { grid } = target;
  if (grid === null) throw unknownGrid(path, target.points);
  const spectrum = parseSpectrumText(await readText(path), path, options.unit);
  yield { input, ...resampleSpectrum(spectrum, grid) };
}

async function* readNpyStars(
  path: string,
  wanted: number | null,
  { points, grid }: InputGrid,
  unit: FrequencyUnit | undefined,
): AsyncGenerator<StarSpectrum, void, undefined> {
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
        await matrix.readRow(row, power);
        yield { input: isSingle ? path : `${path}[${row}]`, power, notes: [] };
      }
      return;
    }
    const pair = await maybeReadPair(matrix);
    if (pair === null) {
      throw new DataError(
        `Cannot use "${path}": its shape is ${formatShape(matrix.header.shape)}, expected [rows, ${points}] or ` +
          `[rows, ${points + LABEL_COLUMNS}] (powers on the network's grid), or [2, n] or [n, 2] (frequencies and powers)`,
        { path },
      );
    }
    if (grid === null) throw unknownGrid(path, points);
    const nameOf = (index: number): string => `row ${index}`;
    yield { input: path, ...resampleSpectrum(checkSpectrum({ ...pair, nameOf }, path, unit), grid) };
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

async function readText(path: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new DataError(`Cannot read "${path}": ${describeIoError(cause)}`, { path }, { cause, isRequest: true });
  }
  if (bytes.subarray(0, 4096).includes(0)) {
    throw new DataError(
      `Cannot read "${path}": it is a binary file, expected two columns of text (frequency, power) or a .npy file`,
      { path },
    );
  }
  return bytes.toString("utf8");
}

function unknownGrid(path: string, points: number): DataError {
  return new DataError(
    `Cannot use "${path}": the network takes ${points} powers whose frequencies are not known, expected a .npy file of ` +
      `shape [rows, ${points}]`,
    { path },
    { isRequest: true },
  );
}
