/** Which shards a data-set folder holds, and which of them train or validate. */

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { DataError } from "../errors";
import { describeIoError } from "../files";
import { LABEL_COLUMN_NAMES, pointsOfRow } from "./columns";
import type { FileReader } from "./file-reader";
import { type Grid, KEPLER_GRID, POINTS } from "./grid";
import { type DatasetInfo, MANIFEST_FILE, maybeReadManifest, type Split } from "./manifest";
import { NpyMatrix } from "./npy-matrix";

/** One shard in twenty is held out when nothing else is said: 144 .. 151 of the original 152. */
const HELD_OUT_FRACTION = 1 / 20;

export interface Shard {
  /** The shard's position among all shards of the folder. */
  readonly index: number;
  readonly matrix: NpyMatrix;
}

export interface ShardSet {
  readonly shards: readonly Shard[];
  readonly points: number;
  /** Null for shards of an unusual length without `dataset.json`, whose frequencies are unknown. */
  readonly grid: Grid | null;
  readonly info: DatasetInfo | null;
}

/**
 * Opens the shards of one split.
 *
 * The split is that of `dataset.json`; without one, the last `validationShards` shards validate, or the last twentieth
 * (at least one).
 *
 * @throws {DataError} when the folder or a shard is missing, a shard is damaged, shards differ in columns, or the split
 *   has no shard.
 */
export async function openShards(
  folder: string,
  split: Split | "all",
  options: { validationShards: number | null; points: number | null },
  reader: FileReader,
): Promise<ShardSet> {
  const names = await listFolder(folder);
  const info = await maybeReadManifest(folder);
  const files = info === null ? shardNames(folder, names) : info.shards.map(({ file }) => file);
  for (const file of files) {
    if (names.includes(file)) continue;
    const path = join(folder, file);
    throw new DataError(`Cannot open "${path}": ${MANIFEST_FILE} lists this shard, but it is missing`, { path });
  }
  // A lone shard cannot be split; that it is damaged is said first.
  if (files.length === 1 && split !== "all") await NpyMatrix.open(join(folder, files[0]!), reader);
  const splits = splitsOf(folder, split, files.length, info, options.validationShards);
  const shards: Shard[] = [];
  for (const [index, file] of files.entries()) {
    if (splits !== null && splits[index] !== split) continue;
    shards.push({ index, matrix: await NpyMatrix.open(join(folder, file), reader) });
  }
  if (shards.length === 0) {
    throw new DataError(
      `Cannot open the ${split} split of "${folder}": none of its ${files.length} shards belongs to it`,
      { path: folder },
      { isRequest: true },
    );
  }
  const points = checkColumns(shards, info, options.points);
  checkRows(shards, info);
  const grid = info ?? (points === POINTS ? KEPLER_GRID : null);
  return { shards, points, grid, info };
}

async function listFolder(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (cause) {
    throw new DataError(
      `Cannot open data set "${folder}": ${describeIoError(cause)}; expected a folder of data_000.npy, data_001.npy, ...`,
      { path: folder },
      { cause, isRequest: true },
    );
  }
}

function shardNames(folder: string, names: readonly string[]): string[] {
  const shards = names.filter((name) => /^data_\d+\.npy$/.test(name));
  if (shards.length === 0) {
    const found = names.length === 0 ? "the folder is empty" : `none of its ${names.length} files is a shard`;
    throw new DataError(
      `Cannot open data set "${folder}": ${found}; expected data_000.npy, data_001.npy, ...`,
      { path: folder },
      { isRequest: true },
    );
  }
  return shards.sort((a, b) => Number.parseInt(a.slice(5), 10) - Number.parseInt(b.slice(5), 10));
}

/** The split of each shard; null when all are wanted, for which a single shard suffices. */
function splitsOf(
  folder: string,
  split: Split | "all",
  shards: number,
  info: DatasetInfo | null,
  validationShards: number | null,
): Split[] | null {
  if (split === "all") return null;
  if (info !== null) return info.shards.map((shard) => shard.split);
  const heldOut = validationShards ?? Math.max(1, Math.ceil(shards * HELD_OUT_FRACTION));
  if (heldOut >= shards) {
    throw new DataError(
      `Cannot split data set "${folder}": holding out ${heldOut} of ${shards} shards for validation leaves none for ` +
        "training; add shards, lower validation.shards, or name another folder in validation.data_dir",
      { path: folder },
      { isRequest: true },
    );
  }
  return Array.from({ length: shards }, (_, index) => (index < shards - heldOut ? "train" : "validation"));
}

function checkColumns(shards: readonly Shard[], info: DatasetInfo | null, expected: number | null): number {
  const first = shards[0]!.matrix;
  const points = info?.points ?? expected ?? pointsOfRow(first.columns);
  const labels = LABEL_COLUMN_NAMES.length;
  for (const { matrix } of shards) {
    const { path, columns } = matrix;
    if (pointsOfRow(columns) < 1) {
      throw new DataError(
        `Cannot use "${path}": its rows have ${columns} columns, expected powers and ${labels} labels`,
        {
          path,
        },
      );
    }
    if (pointsOfRow(columns) === points) continue;
    const source = info !== null ? `as ${MANIFEST_FILE} says` : expected !== null ? "" : `as in "${first.path}"`;
    const reason = `expected ${points + labels} (${points} powers and ${labels} labels)${source && `, ${source}`}`;
    throw new DataError(`Cannot use "${path}": its rows have ${columns} columns, ${reason}`, { path });
  }
  if (expected !== null && points !== expected) {
    throw new DataError(
      `Cannot use "${first.path}": its spectra have ${points} powers, expected ${expected}`,
      { path: first.path },
      { isRequest: true },
    );
  }
  return points;
}

function checkRows(shards: readonly Shard[], info: DatasetInfo | null): void {
  for (const { index, matrix } of shards) {
    const listed = info?.shards[index]?.rows ?? matrix.rows;
    if (listed === matrix.rows) continue;
    const { path } = matrix;
    throw new DataError(
      `Cannot use "${path}": it has ${matrix.rows} rows, expected ${listed} as ${MANIFEST_FILE} says`,
      {
        path,
      },
    );
  }
}
