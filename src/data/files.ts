/** Folders and files that are either complete or absent: temporary name, sync, rename, sync of the folder. */

import { mkdirSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { DataError } from "../errors";

/**
 * Makes a folder with its parents; an existing folder is left as it is.
 *
 * @throws {DataError} when a file is in the way or the parent cannot be written to.
 */
export function mkdirP(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (cause) {
    const code = errorCode(cause);
    const reason = code === "EEXIST" || code === "ENOTDIR" ? "a file is in the way" : describeIoError(cause);
    throw new DataError(`Cannot make folder "${path}": ${reason}`, { path }, { cause, isRequest: true });
  }
}

/** The name a file carries until it is complete; ignored by readers, unique to this process. */
export function temporaryPath(path: string): string {
  return `${path}.tmp-${process.pid}`;
}

/** Gives a synced temporary file its final name, durably. */
export async function commitFile(temporary: string, path: string): Promise<void> {
  await rename(temporary, path);
  await syncFolder(dirname(path));
}

/**
 * Writes a file so that a reader sees the old content or the new, never a part.
 *
 * @throws {DataError} when it cannot be written; the old file, if any, is untouched.
 */
export async function writeFileAtomic(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = temporaryPath(path);
  try {
    const handle = await open(temporary, "w");
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await commitFile(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw writeError(path, cause);
  }
}

/** Makes a rename in a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems refuse to sync a folder; the rename itself is still atomic there.
    if (errorCode(error) !== "EINVAL") throw error;
  } finally {
    await handle.close();
  }
}

/** The error a failed write ends in: the path and the system's reason in words. */
export function writeError(path: string, cause: unknown): DataError {
  return new DataError(`Cannot write "${path}": ${describeIoError(cause)}`, { path }, { cause });
}

/** The system's reason in words, for the codes a user meets. */
export function describeIoError(error: unknown): string {
  const code = errorCode(error);
  return (code !== undefined && REASONS[code]) || (error instanceof Error ? error.message : String(error));
}

/** The `code` of a file-system error, such as "ENOENT". */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or folder",
  ENOTDIR: "a part of the path is a file, expected a folder",
  EISDIR: "it is a folder, expected a file",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
  ENOSPC: "no space left on the disk",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file would exceed the largest size allowed here",
  EMFILE: "too many open files",
};
