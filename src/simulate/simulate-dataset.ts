/** A whole data set: shards of simulated stars and the `dataset.json` that describes them. */

import { availableParallelism } from "node:os";
import { join } from "node:path";
import { KEPLER_GRID, LONGEST_DAYS, SHORTEST_DAYS } from "../data/grid";
import { type DatasetInfo, type ShardInfo, shardFileName } from "../data/manifest";
import { NpyWriter } from "../data/npy";
import { LABEL_COLUMNS } from "../data/parameters";
import { ConfigError } from "../errors";
import { type Block, simulateBlocks } from "./block-pool";
import { openDatasetFolder, removeEmptyManifest, updateManifest } from "./dataset-folder";
import type { Observation } from "./observation";
import { isPriorName, PRIOR_NAMES, type PriorName } from "./priors";

/** Changes whenever the same seed gives other bytes. */
export const GENERATOR_VERSION = "1";

/** A data set to simulate. */
export interface SimulationSpec {
  /** The folder that receives the shards; made if need be. */
  readonly out: string;
  /** Training shards; default 4. */
  readonly shards?: number;
  /** Validation shards, numbered after the training shards; default 1. */
  readonly validationShards?: number;
  /** Default 512; the reference's shards have 5120. */
  readonly spectraPerShard?: number;
  /** Default 0. */
  readonly seed?: number;
  /** Default `population`. */
  readonly prior?: PriorName;
  /** How the stars are observed; default: for the time of the network's grid, 1470 days, without gaps. */
  readonly observation?: Observation;
  /** The number of the first training shard, for a data set made in parts; default 0. */
  readonly firstShard?: number;
  /** Worker threads; default: one per core. */
  readonly workers?: number;
  /** Told how many spectra are there, those kept from an earlier run included. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
  /** Ends the simulation early; finished shards stay. */
  readonly signal?: AbortSignal;
}

/** What `simulateDataset` wrote, and what was there already. */
export interface SimulationSummary {
  readonly out: string;
  /** What `dataset.json` holds now, shards of earlier runs included. */
  readonly info: DatasetInfo;
  readonly shardsWritten: number;
  readonly shardsKept: number;
  readonly spectraWritten: number;
  readonly seconds: number;
}

/** Rows a worker makes at a time: 2.3 MB, about 50 ms. */
const BLOCK_ROWS = 16;

const ROW_LENGTH = KEPLER_GRID.points + LABEL_COLUMNS;

/**
 * Simulates a data set into `spec.out`. A star is a function of the seed, its shard's number and its row alone, so the
 * files do not depend on the number of workers or on the part they are made in. Shards that are there already, from a
 * run that was cut off, are checked by their SHA-256 and kept.
 *
 * @throws {ConfigError} when a setting is out of range; lists all of them.
 * @throws {DataError} when the folder holds another data set or cannot be written; a part of a shard is never left.
 */
export async function simulateDataset(spec: SimulationSpec): Promise<SimulationSummary> {
  const startedAt = performance.now();
  const settings = resolveSimulation(spec);
  const { out, seed, prior, spectraPerShard: rows, firstShard, signal } = settings;
  const { observation } = settings;
  const identity = { seed, prior, generatorVersion: GENERATOR_VERSION, ...(observation && { observation }) };
  const wanted = Array.from({ length: settings.shards + settings.validationShards }, (_, index) => ({
    shard: firstShard + index,
    file: shardFileName(firstShard + index),
    rows,
    split: index < settings.shards ? ("train" as const) : ("validation" as const),
  }));
  try {
    const kept = await openDatasetFolder(out, identity, wanted);
    const missing = wanted.filter(({ file }) => !kept.some((shard) => shard.file === file));
    let done = kept.length * rows;
    const report = (): void => settings.onProgress?.({ done, total: wanted.length * rows });
    report();

    const blocks = simulateBlocks(
      blocksOf(missing),
      { seed, prior, ...(observation && { observation }) },
      {
        workers: Math.min(settings.workers, missing.length * Math.ceil(rows / BLOCK_ROWS)),
        rowLength: ROW_LENGTH,
        largestBlock: BLOCK_ROWS,
        signal,
      },
    );
    try {
      for (const { file, split } of missing) {
        const shard = await writeShard(join(out, file), rows, blocks, (added) => {
          done += added;
          report();
        });
        await updateManifest(out, identity, [{ file, rows, split, sha256: shard.sha256 }]);
      }
    } finally {
      await blocks.return(undefined);
    }
    return {
      out,
      info: await updateManifest(out, identity, []),
      shardsWritten: missing.length,
      shardsKept: kept.length,
      spectraWritten: missing.length * rows,
      seconds: (performance.now() - startedAt) / 1000,
    };
  } catch (error) {
    await removeEmptyManifest(out).catch(() => {}); // the first error is the one to report
    throw error;
  }
}

async function writeShard(
  path: string,
  rows: number,
  blocks: AsyncGenerator<Float32Array>,
  onRows: (rows: number) => void,
): Promise<Pick<ShardInfo, "rows"> & { sha256: string }> {
  const writer = await NpyWriter.create(path, { rows, columns: ROW_LENGTH });
  try {
    for (let row = 0; row < rows; ) {
      const block = await blocks.next();
      if (block.done) throw new Error(`The simulation ended after ${row} of ${rows} rows of "${path}"`);
      await writer.write(block.value);
      const added = block.value.length / ROW_LENGTH;
      row += added;
      onRows(added);
    }
    return await writer.finish();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

function* blocksOf(shards: readonly { shard: number; rows: number }[]): Generator<Block> {
  for (const { shard, rows } of shards) {
    for (let firstRow = 0; firstRow < rows; firstRow += BLOCK_ROWS) {
      yield { shard, firstRow, rows: Math.min(BLOCK_ROWS, rows - firstRow) };
    }
  }
}

type Optional = "observation" | "onProgress" | "signal";
type Simulation = Required<Omit<SimulationSpec, Optional>> & Pick<SimulationSpec, Optional>;

function resolveSimulation(spec: SimulationSpec): Simulation {
  const settings = {
    ...spec,
    shards: spec.shards ?? 4,
    validationShards: spec.validationShards ?? 1,
    spectraPerShard: spec.spectraPerShard ?? 512,
    seed: spec.seed ?? 0,
    prior: spec.prior ?? "population",
    firstShard: spec.firstShard ?? 0,
    workers: spec.workers ?? availableParallelism(),
  };
  const problems: string[] = [];
  const requireInteger = (
    name: "shards" | "validationShards" | "spectraPerShard" | "seed" | "firstShard" | "workers",
    minimum: number,
  ): void => {
    const value = settings[name];
    if (!Number.isSafeInteger(value) || value < minimum) {
      problems.push(`${name} must be an integer of at least ${minimum}, got ${value}`);
    }
  };
  requireInteger("shards", 0);
  requireInteger("validationShards", 0);
  requireInteger("spectraPerShard", 1);
  requireInteger("seed", 0);
  requireInteger("firstShard", 0);
  requireInteger("workers", 1);
  if (settings.shards === 0 && settings.validationShards === 0)
    problems.push("shards and validationShards must not both be 0");
  if (!isPriorName(settings.prior)) {
    problems.push(`prior must be one of ${PRIOR_NAMES.join(", ")}, got ${settings.prior as string}`);
  }
  const [shortest, longest] = settings.observation?.days ?? [LONGEST_DAYS, LONGEST_DAYS];
  if (!(shortest >= SHORTEST_DAYS && shortest <= longest && longest <= LONGEST_DAYS)) {
    problems.push(
      `observation.days must be the shortest and the longest time within ${SHORTEST_DAYS} to ` +
        `${LONGEST_DAYS.toFixed(2)} days, got ${shortest} and ${longest}`,
    );
  }
  const gaps = settings.observation?.gaps ?? 0;
  if (!(gaps >= 0 && gaps <= 1)) problems.push(`observation.gaps must lie within 0 and 1, got ${gaps}`);
  if (settings.out === "") problems.push("out must name a folder, got an empty text");
  if (problems.length > 0) throw new ConfigError(`Cannot simulate a data set: ${problems.join("; ")}`, problems);
  return settings;
}
