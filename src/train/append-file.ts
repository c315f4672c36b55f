/** A file that grows line by line while the run goes. */

import { closeSync, openSync, writeSync } from "node:fs";
import { writeError } from "../data/files";

export interface AppendFile {
  /** Adds to the end; the bytes are with the system when this returns. @throws {DataError} when they cannot be. */
  write(content: string | Uint8Array): void;
  close(): void;
}

/**
 * Opens a file for appending and makes it when it is not there.
 *
 * @throws {DataError} naming the path and the system's reason, such as a full disk.
 */
export function openAppend(path: string): AppendFile {
  const file = attempt(path, () => openSync(path, "a"));
  return {
    write(content) {
      let bytes = typeof content === "string" ? Buffer.from(content) : content;
      // A write to a disk that is nearly full may take a part only; the next one then fails with the reason.
      while (bytes.length > 0) bytes = bytes.subarray(attempt(path, () => writeSync(file, bytes)));
    },
    close: () => closeSync(file),
  };
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw writeError(path, cause);
  }
}
