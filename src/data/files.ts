/** Folders and small files of data sets, runs and notebooks, with errors that name the path. */

import { mkdirSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { DataError } from "../errors";
import { describeIoError, errorCode, replaceFiles } from "../files";

/**
 * Makes a folder with its parents; an existing folder is left as it is.
 *
 * @throws {DataError} when a file is in the way or the parent cannot be written to.
 */
export function mkdirP(path: string): void {
  try {
    makeFolder(path);
  } catch (cause) {
    const code = errorCode(cause);
    const reason = code === "EEXIST" || code === "ENOTDIR" ? "a file is in the way" : describeIoError(cause);
    throw new DataError(`Cannot make folder "${path}": ${reason}`, { path }, { cause, isRequest: true });
  }
}

/**
 * Writes a file so that a reader sees the old content or the new, never a part. A device or a pipe is written to as it
 * is, for nothing can take its place.
 *
 * @throws {DataError} when it cannot be written; the old file, if any, is untouched.
 */
export async function writeFileAtomic(path: string, content: string | Uint8Array): Promise<void> {
  try {
    if (isSpecialFile(path)) await writeFile(path, content);
    else await replaceFiles([path], (file) => file.writeFile(content));
  } catch (cause) {
    throw writeError(path, cause);
  }
}

/** True for a device or a pipe, such as /dev/null. */
export function isSpecialFile(path: string): boolean {
  try {
    const stats = statSync(path);
    return !stats.isFile() && !stats.isDirectory();
  } catch {
    return false; // nothing there, or nothing that we may look at
  }
}

/** The error a failed write ends in: the path and the system's reason in words. */
export function writeError(path: string, cause: unknown): DataError {
  return new DataError(`Cannot write "${path}": ${describeIoError(cause)}`, { path }, { cause });
}

/** Node's own `recursive` never ends below a folder in which the system makes none, such as an automounter's. */
function makeFolder(path: string): void {
  try {
    makeOneFolder(path);
  } catch (error) {
    if (errorCode(error) !== "ENOENT" || dirname(path) === path) throw error;
    makeFolder(dirname(path));
    makeOneFolder(path);
  }
}

function makeOneFolder(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}
