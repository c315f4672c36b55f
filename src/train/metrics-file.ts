/** `metrics.jsonl`: one record a line, appended as the run goes. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../data/files";
import { errorCode } from "../files";
import { openAppend } from "./append-file";
import type { MetricsRecord } from "./records";

export const METRICS_FILE = "metrics.jsonl";

export interface MetricsFile {
  /** Adds a line. @throws {DataError} when it cannot be written. */
  append(record: MetricsRecord): void;
  close(): void;
}

/**
 * Opens the metrics of the run in `dir`.
 *
 * @param restoredStep the step that a restored run goes on after: lines of later steps are removed, since the run
 *   writes them again, and so is a line that was cut off in the middle.
 */
export async function openMetrics(dir: string, restoredStep = 0): Promise<MetricsFile> {
  const path = join(dir, METRICS_FILE);
  const records = await readMetrics(dir);
  const kept = records.filter(({ step }) => step <= restoredStep);
  await writeFileAtomic(path, kept.map((record) => `${JSON.stringify(record)}\n`).join(""));
  const file = openAppend(path);
  return { append: (record) => file.write(`${JSON.stringify(record)}\n`), close: file.close };
}

/** The records of the run in `dir`, oldest first; a line that was cut off is left out. Empty without the file. */
export async function readMetrics(dir: string): Promise<MetricsRecord[]> {
  let text: string;
  try {
    text = await readFile(join(dir, METRICS_FILE), "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
  return text.split("\n").flatMap((line) => {
    try {
      return [JSON.parse(line) as MetricsRecord];
    } catch {
      return [];
    }
  });
}
