/** `dataset.json`: what a data set holds, written beside its shards by the simulator. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { DataError } from "../errors";
import { describeIoError, errorCode } from "../files";
import { parseJson } from "../json";
import { LABEL_COLUMN_NAMES } from "./columns";
import { writeFileAtomic } from "./files";
import type { Grid } from "./grid";

/** The file's name inside a data-set folder. */
export const MANIFEST_FILE = "dataset.json";

export type Split = "train" | "validation";

export interface ShardInfo {
  /** The file's name inside the folder. */
  readonly file: string;
  readonly rows: number;
  readonly split: Split;
  /** Of the whole file, in hexadecimal. */
  readonly sha256?: string | undefined;
}

export interface DatasetInfo extends Grid {
  /** Names of the label columns that follow the powers. */
  readonly columns: readonly string[];
  readonly shards: readonly ShardInfo[];
  readonly seed?: number | undefined;
  readonly prior?: string | undefined;
  readonly generatorVersion?: string | undefined;
  /** How the stars were observed; absent: for the time of the grid, without gaps. */
  readonly observation?: { readonly days: readonly [number, number]; readonly gaps: number } | undefined;
}

const manifestSchema = z.object({
  format: z.literal("asterolab-dataset"),
  version: z.literal(1),
  points: z.int().positive(),
  first_frequency_uhz: z.number().nonnegative(),
  step_uhz: z.number().positive(),
  columns: z.array(z.string()).length(LABEL_COLUMN_NAMES.length),
  seed: z.int().nonnegative().optional(),
  prior: z.string().optional(),
  generator_version: z.string().optional(),
  observation: z
    .object({ days: z.tuple([z.number().positive(), z.number().positive()]), gaps: z.number().min(0).max(1) })
    .optional(),
  shards: z.array(
    z.object({
      file: z.string().regex(/^[^/\\]+\.npy$/, "must be the name of a .npy file in the same folder"),
      rows: z.int().positive(),
      split: z.enum(["train", "validation"]),
      sha256: z
        .string()
        .regex(/^[0-9a-f]{64}$/, "must be 64 hexadecimal digits")
        .optional(),
    }),
  ),
});

/**
 * Reads the `dataset.json` of a folder; null when there is none, as with original shards.
 *
 * @throws {DataError} when the file is there but does not say what a data set holds.
 */
export async function maybeReadManifest(folder: string): Promise<DatasetInfo | null> {
  const path = join(folder, MANIFEST_FILE);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    if (errorCode(cause) === "ENOENT") return null;
    throw new DataError(`Cannot read "${path}": ${describeIoError(cause)}`, { path }, { cause });
  }
  let raw: unknown;
  try {
    raw = parseJson(text);
  } catch (cause) {
    throw new DataError(`Cannot parse "${path}": ${(cause as Error).message}`, { path }, { cause });
  }
  const parsed = manifestSchema.safeParse(raw);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join(".") || "document"}: ${issue.message}`);
    throw new DataError(`Cannot use "${path}": ${problems.join("; ")}`, { path });
  }
  const { data } = parsed;
  return {
    points: data.points,
    firstFrequencyUHz: data.first_frequency_uhz,
    stepUHz: data.step_uhz,
    columns: data.columns,
    shards: data.shards,
    seed: data.seed,
    prior: data.prior,
    generatorVersion: data.generator_version,
    ...(data.observation && { observation: data.observation }),
  };
}

/**
 * Writes the `dataset.json` of a folder; an earlier one is replaced at once.
 *
 * @throws {DataError} when it cannot be written.
 */
export async function writeManifest(folder: string, info: DatasetInfo): Promise<void> {
  const document: z.input<typeof manifestSchema> = {
    format: "asterolab-dataset",
    version: 1,
    points: info.points,
    first_frequency_uhz: info.firstFrequencyUHz,
    step_uhz: info.stepUHz,
    columns: [...info.columns],
    seed: info.seed,
    prior: info.prior,
    generator_version: info.generatorVersion,
    observation: info.observation && { days: [...info.observation.days], gaps: info.observation.gaps },
    shards: info.shards.map(({ file, rows, split, sha256 }) => ({ file, rows, split, sha256 })),
  };
  await writeFileAtomic(join(folder, MANIFEST_FILE), `${JSON.stringify(document, null, 2)}\n`);
}

/** The name of the shard with the given number: `data_007.npy`. */
export function shardFileName(index: number): string {
  return `data_${String(index).padStart(3, "0")}.npy`;
}
