/** Checkpoint files are replaced whole, with errors that name the path. */

import type { FileHandle } from "node:fs/promises";
import { CheckpointError } from "../errors";
import { describeIoError, isSystemError, replaceFiles } from "../files";

/**
 * Writes one file and puts it in the place of each of `paths` ({@link replaceFiles}).
 *
 * @throws {CheckpointError} naming the path and the cause when the file system refuses. Other errors of `write` pass
 * through.
 */
export async function writeAtomically(
  paths: readonly [string, ...string[]],
  write: (file: FileHandle) => Promise<void>,
): Promise<void> {
  try {
    await replaceFiles(paths, write);
  } catch (cause) {
    if (!isSystemError(cause)) throw cause;
    throw new CheckpointError(`Cannot write "${paths[0]}": ${describeIoError(cause)}`, paths[0], { cause });
  }
}
