/** What a pipeline has done: one JSON file beside its results, read back to tell what has to run again. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../data/files";
import { DataError } from "../errors";
import { describeIoError, errorCode } from "../files";
import type { FingerprintCache } from "../fingerprint";
import { parseJson } from "../json";

export const RECORD_FILE = "pipeline.json";

const fingerprintSchema = z.object({
  /** Hash of the notebook's code cells, or of the command's words. */
  work: z.string(),
  /** JSON of each value. */
  parameters: z.record(z.string(), z.string()),
  /** Hash of what each path holds; null for nothing. */
  inputs: z.record(z.string(), z.string().nullable()),
  /** When the stages that pass no file began. */
  after: z.record(z.string(), z.string().nullable()),
  kernel: z.string().nullable(),
  ranks: z.number(),
  /** Hash of Asterolab's sources. */
  code: z.string(),
});

const stageRecordSchema = z.object({
  /** A stage found `running` when a pipeline starts was cut off. */
  status: z.enum(["running", "done", "failed", "interrupted"]),
  /** Why it ran. */
  reasons: z.array(z.string()),
  started_at: z.string(),
  ended_at: z.string().nullable(),
  seconds: z.number().nullable(),
  error: z.string().nullable(),
  fingerprint: fingerprintSchema,
  outputs: z.record(z.string(), z.string().nullable()),
});

const recordSchema = z.object({
  version: z.literal(1),
  asterolab: z.string(),
  node: z.string(),
  stages: z.record(z.string(), stageRecordSchema),
  files: z.record(z.string(), z.object({ bytes: z.number(), modifiedMs: z.number(), sha256: z.string() })),
});

/** What a stage ran with: where two are equal, so are the results. */
export type StageFingerprint = Readonly<z.infer<typeof fingerprintSchema>>;
export type StageRecord = Readonly<z.infer<typeof stageRecordSchema>>;
export type PipelineRecord = z.infer<typeof recordSchema>;

/**
 * Reads the record in a pipeline's output folder.
 *
 * @returns null when nothing has run there yet.
 * @throws {DataError} when the file cannot be read or is not ours.
 */
export function maybeReadRecord(folder: string): PipelineRecord | null {
  const path = join(folder, RECORD_FILE);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    if (["ENOENT", "ENOTDIR"].includes(errorCode(cause) ?? "")) return null;
    throw new DataError(`Cannot read pipeline record "${path}": ${describeIoError(cause)}`, { path }, { cause });
  }
  try {
    return recordSchema.parse(parseJson(text));
  } catch (cause) {
    const message = `Cannot use pipeline record "${path}": it is damaged or of another version; remove it to run everything again`;
    throw new DataError(message, { path }, { cause });
  }
}

/** @throws {DataError} when it cannot be written; the old record is untouched. */
export async function writeRecord(folder: string, record: PipelineRecord): Promise<void> {
  await writeFileAtomic(join(folder, RECORD_FILE), `${JSON.stringify(record, null, 1)}\n`);
}

/** The hashes of files that a record remembers. */
export function cacheOf(record: PipelineRecord | null): FingerprintCache {
  return new Map(Object.entries(record?.files ?? {}));
}
