/** The folder of a simulated data set: which shards are already there, and the record of each finished one. */

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, readdir, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { LABEL_COLUMN_NAMES } from "../data/columns";
import { mkdirP, writeError } from "../data/files";
import { KEPLER_GRID } from "../data/grid";
import { type DatasetInfo, MANIFEST_FILE, maybeReadManifest, type ShardInfo, writeManifest } from "../data/manifest";
import { readNpyHeader } from "../data/npy";
import { DataError } from "../errors";
import { describeIoError, errorCode, isBeingWritten } from "../files";
import type { Observation } from "./observation";

/** What decides every byte of a shard besides its number and its rows. */
export interface DatasetIdentity {
  readonly seed: number;
  readonly prior: string;
  readonly generatorVersion: string;
  readonly observation?: Observation | undefined;
}

export type WantedShard = Omit<ShardInfo, "sha256">;

const LOCK_FILE = `${MANIFEST_FILE}.lock`;
const LOCK_STALE_MS = 30_000;
const LOCK_RETRY_MS = 20;

/**
 * Makes the folder ready for `wanted` shards, and returns those of them that are there and whole; what a cut-off run
 * left of the others is removed.
 *
 * @throws {DataError} when the folder holds another data set, or cannot be written.
 */
export async function openDatasetFolder(
  folder: string,
  identity: DatasetIdentity,
  wanted: readonly WantedShard[],
): Promise<ShardInfo[]> {
  await mkdirP(folder);
  const names = await readdir(folder);
  const info = await maybeReadManifest(folder);
  if (info === null) {
    const foreign = names.find((name) => /^data_\d+\.npy$/.test(name));
    if (foreign !== undefined) {
      throw refusal(folder, `it holds "${foreign}" but no ${MANIFEST_FILE} that says where it comes from`);
    }
  } else {
    checkSame(folder, info, identity, wanted);
  }
  for (const { file } of wanted) {
    for (const name of names.filter((other) => other.startsWith(`${file}.tmp-`))) {
      // Ranks of a notebook may simulate the same shard at once: each writes the same bytes.
      if (!isBeingWritten(name)) await rm(join(folder, name), { force: true });
    }
  }
  await updateManifest(folder, identity, []);
  const kept: ShardInfo[] = [];
  for (const { file } of wanted) {
    const shard = info?.shards.find((other) => other.file === file);
    if (shard !== undefined && (await isWhole(join(folder, file), shard))) kept.push(shard);
  }
  return kept;
}

/** Adds finished shards to the folder's `dataset.json`; several processes may do so at once. */
export async function updateManifest(
  folder: string,
  identity: DatasetIdentity,
  finished: readonly ShardInfo[],
): Promise<DatasetInfo> {
  return withLock(folder, async () => {
    const before = (await maybeReadManifest(folder))?.shards ?? [];
    const byFile = new Map([...before, ...finished].map((shard) => [shard.file, shard]));
    const shards = [...byFile.values()].sort((one, other) => shardNumber(one.file) - shardNumber(other.file));
    const info: DatasetInfo = { ...KEPLER_GRID, columns: LABEL_COLUMN_NAMES, ...identity, shards };
    await writeManifest(folder, info);
    return info;
  });
}

/** Removes the `dataset.json` of a run that failed before its first shard was finished. */
export async function removeEmptyManifest(folder: string): Promise<void> {
  const info = await maybeReadManifest(folder);
  if (info?.shards.length === 0) await rm(join(folder, MANIFEST_FILE), { force: true });
}

function checkSame(folder: string, info: DatasetInfo, identity: DatasetIdentity, wanted: readonly WantedShard[]): void {
  for (const [name, there, asked] of [
    ["seed", info.seed, identity.seed],
    ["prior", info.prior, identity.prior],
    ["generator version", info.generatorVersion, identity.generatorVersion],
    ["observation", describe(info.observation), describe(identity.observation)],
    ["number of points", info.points, KEPLER_GRID.points],
    ["first frequency", info.firstFrequencyUHz, KEPLER_GRID.firstFrequencyUHz],
    ["frequency step", info.stepUHz, KEPLER_GRID.stepUHz],
    ["set of label columns", info.columns.join(" "), LABEL_COLUMN_NAMES.join(" ")],
  ] as const) {
    if (there !== asked) throw refusal(folder, `its ${name} is ${there ?? "not recorded"}, expected ${asked}`);
  }
  const rows = wanted[0]!.rows;
  for (const shard of info.shards) {
    if (shard.rows !== rows) throw refusal(folder, `"${shard.file}" has ${shard.rows} spectra, expected ${rows}`);
    const other = wanted.find(({ file }) => file === shard.file);
    if (other !== undefined && other.split !== shard.split) {
      throw refusal(folder, `"${shard.file}" is a ${shard.split} shard, expected a ${other.split} shard`);
    }
  }
}

function describe(observation: Observation | undefined): string {
  if (observation === undefined) return "the grid's own";
  return `${observation.days.join(" to ")} days with gaps in ${100 * observation.gaps} %`;
}

function refusal(folder: string, reason: string): DataError {
  return new DataError(
    `Cannot continue the data set in "${folder}": ${reason}; use the same settings or another folder`,
    { path: folder },
    { isRequest: true },
  );
}

/** True when the file has the shape and the SHA-256 of its record. */
async function isWhole(path: string, shard: ShardInfo): Promise<boolean> {
  try {
    const handle = await open(path, "r");
    try {
      const { shape } = await readNpyHeader(handle, path);
      if (shape[0] !== shard.rows || shape[1] !== KEPLER_GRID.points + LABEL_COLUMN_NAMES.length) return false;
    } finally {
      await handle.close();
    }
    const hash = createHash("sha256");
    await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
    return hash.digest("hex") === shard.sha256;
  } catch (error) {
    if (error instanceof DataError || errorCode(error) === "ENOENT") return false;
    throw new DataError(`Cannot read "${path}": ${describeIoError(error)}`, { path }, { cause: error });
  }
}

function shardNumber(file: string): number {
  return Number(/(\d+)\.npy$/.exec(basename(file))?.[1] ?? Infinity);
}

/** Runs `work` while no other process changes the manifest; a lock left behind by a dead one is broken after 30 s. */
async function withLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const path = join(folder, LOCK_FILE);
  for (;;) {
    try {
      await (await open(path, "wx")).close();
      break;
    } catch (cause) {
      if (errorCode(cause) !== "EEXIST") throw writeError(path, cause);
      const age = await stat(path).then(
        ({ mtimeMs }) => Date.now() - mtimeMs,
        () => 0, // given back meanwhile
      );
      if (age > LOCK_STALE_MS) await rm(path, { force: true });
      else await delay(LOCK_RETRY_MS);
    }
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}
