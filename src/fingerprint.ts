/** What files and folders hold, as one hash: the same content under the same names gives the same text. */

import { createHash } from "node:crypto";
import { createReadStream, promises as fs } from "node:fs";
import { join } from "node:path";
import { errorCode } from "./files";

/** Hashes known from before by absolute path, so that a file whose size and date are unchanged is not read again. */
export type FingerprintCache = Map<string, CachedFingerprint>;

export interface CachedFingerprint {
  readonly bytes: number;
  readonly modifiedMs: number;
  readonly sha256: string;
}

/**
 * The SHA-256 of a file, or of a folder: of the names in it, sorted, and the hash of each. Files that are being written
 * (`*.tmp-*`) and locks do not count.
 *
 * @returns null when there is nothing at `path`.
 * @throws {Error} of the system when something there cannot be read.
 */
export async function maybeFingerprint(path: string, cache: FingerprintCache = new Map()): Promise<string | null> {
  let stats: Awaited<ReturnType<typeof fs.stat>>;
  try {
    stats = await fs.stat(path);
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return null;
    throw error;
  }
  if (!stats.isDirectory()) {
    const known = cache.get(path);
    if (known !== undefined && known.bytes === stats.size && known.modifiedMs === stats.mtimeMs) return known.sha256;
    const sha256 = await hashFile(path);
    cache.set(path, { bytes: stats.size, modifiedMs: stats.mtimeMs, sha256 });
    return sha256;
  }
  const hash = createHash("sha256").update("folder\n");
  for (const name of (await fs.readdir(path)).sort()) {
    if (/\.tmp-/.test(name) || name.endsWith(".lock")) continue;
    hash.update(`${await maybeFingerprint(join(path, name), cache)} ${name}\n`);
  }
  return hash.digest("hex");
}

/** The SHA-256 of a text. */
export function fingerprintText(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
