/** Inputs of a command, files and folders -> the stars in them. */

import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { DataError } from "../errors";
import { parseFits } from "./fits";
import { looksLikeLightCurve, targetOf } from "./fits-star";
import { isFits, readStart, unreadable } from "./spectrum-bytes";
import { type InputGrid, type ReadOptions, readStars, readStitched, type StarSpectrum } from "./spectrum-file";

/** How the names of files end that may hold a star. */
export const SPECTRUM_FILE = /(\.npy|\.(fits?|fts|txt|csv|tsv|dat|pow|psd)(\.gz)?)$/i;
const FITS_FILE = /\.(fits?|fts)(\.gz)?$/i;

/**
 * Reads the stars of all inputs in their order. A folder stands for the spectra and light curves directly in it, by name.
 * FITS light curves of the same star (the same KIC, EPIC or TIC number in their headers) make one star, in the place of
 * the first: quarters, sectors and campaigns need no stitching beforehand. Files of a folder that hold no star, such as
 * catalogues and pixels, go to `options.onOther`; those named among the inputs are failures.
 *
 * @throws {DataError} as `readStars` does.
 */
export async function* readInputs(
  inputs: readonly string[],
  target: InputGrid,
  options: ReadOptions = {},
): AsyncGenerator<StarSpectrum, void, undefined> {
  const { onOther: _, ...namedOptions } = options;
  const named = new Set(inputs);
  const optionsOf = (path: string): ReadOptions => (named.has(path) ? namedOptions : options);
  const paths: string[] = [];
  for (const input of inputs) {
    try {
      paths.push(...(await filesOf(input)));
    } catch (error) {
      if (options.onFailure === undefined || !(error instanceof DataError)) throw error;
      options.onFailure(error);
    }
  }
  const groups = new Map<string, string[]>();
  const starOf = new Map<string, string>();
  if (paths.length > 1) {
    for (const path of new Set(paths)) {
      const star = FITS_FILE.test(path) ? await maybeStarOf(path) : null;
      if (star === null) continue;
      starOf.set(path, star);
      groups.set(star, [...(groups.get(star) ?? []), path]);
    }
  }
  const done = new Set<string>();
  for (const path of paths) {
    const star = starOf.get(path);
    const group = star === undefined ? undefined : groups.get(star);
    if (star === undefined || group === undefined || group.length === 1) {
      yield* readStars(path, target, optionsOf(path));
    } else if (!done.has(star)) {
      done.add(star);
      yield* readStitched(star, group, target, optionsOf(path));
    }
  }
}

/** The input itself, or the spectra in a folder. */
async function filesOf(input: string): Promise<string[]> {
  const isFolder = await stat(input).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) return [input];
  const entries = await readdir(input).catch((cause) => {
    throw unreadable(input, cause);
  });
  const names = entries.filter((name) => SPECTRUM_FILE.test(name)).sort();
  if (names.length > 0) return names.map((name) => join(input, name));
  throw new DataError(
    `Cannot read "${input}": the folder holds no file that ends in .fits, .txt, .csv, .dat or .npy (or these with .gz)`,
    { path: input },
    { isRequest: true },
  );
}

/** The star of a light curve; null for other files, and for those that cannot be read, which is said when they are. */
async function maybeStarOf(path: string): Promise<string | null> {
  try {
    const start = await readStart(path);
    if (!isFits(start)) return null;
    const units = parseFits(start, path, { isStart: true });
    return looksLikeLightCurve(units) ? targetOf(units) : null;
  } catch (error) {
    if (error instanceof DataError) return null;
    throw error;
  }
}
