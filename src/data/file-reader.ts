/** Positional reads from many files through few descriptors. */

import { closeSync, openSync, read } from "node:fs";
import { DataError } from "../errors";
import { describeIoError } from "../files";

/** More shards than this are closed and opened again as rows are needed; most systems allow 256 descriptors or more. */
const MAX_OPEN_FILES = 64;

interface OpenFile {
  readonly descriptor: number;
  pending: number;
  /** True for a file that has no name any more and so cannot be opened again. */
  readonly isPinned: boolean;
}

/**
 * Reads bytes at given positions. A read is handed to the operating system before `read` returns, so that it proceeds
 * while the caller computes.
 */
export class FileReader {
  /** In the order of their last use, the oldest first. */
  private readonly files = new Map<string, OpenFile>();
  private isClosed = false;

  /**
   * Fills `target` with the bytes that start at `position`.
   *
   * @throws {DataError} when the file cannot be opened, or ends before `target` is full.
   */
  async read(path: string, target: Uint8Array, position: number): Promise<void> {
    const file = this.file(path);
    file.pending++;
    try {
      let filled = 0;
      while (filled < target.length) {
        const bytes = await readOnce(file.descriptor, target, filled, position + filled);
        if (bytes === 0) {
          throw new DataError(
            `Cannot read "${path}": no bytes at position ${position + filled}; was it cut while in use?`,
            {
              path,
            },
          );
        }
        filled += bytes;
      }
    } catch (cause) {
      if (cause instanceof DataError) throw cause;
      throw new DataError(`Cannot read "${path}": ${describeIoError(cause)}`, { path }, { cause });
    } finally {
      file.pending--;
      if (this.isClosed && file.pending === 0) closeSync(file.descriptor);
    }
  }

  /** Takes over an open file that has been unlinked; `name` stands for it in `read`. */
  adopt(name: string, descriptor: number): void {
    this.files.set(name, { descriptor, pending: 0, isPinned: true });
  }

  /** Closes the files; those with reads under way follow when these have ended. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    for (const file of this.files.values()) if (file.pending === 0) closeSync(file.descriptor);
    this.files.clear();
  }

  private file(path: string): OpenFile {
    if (this.isClosed) throw new DataError(`Cannot read "${path}": the data set is closed`, { path });
    let file = this.files.get(path);
    if (file === undefined) {
      this.closeIdle();
      try {
        file = { descriptor: openSync(path, "r"), pending: 0, isPinned: false };
      } catch (cause) {
        throw new DataError(`Cannot read "${path}": ${describeIoError(cause)}`, { path }, { cause });
      }
    }
    this.files.delete(path);
    this.files.set(path, file);
    return file;
  }

  private closeIdle(): void {
    for (const [path, file] of this.files) {
      if (this.files.size < MAX_OPEN_FILES) return;
      if (file.pending > 0 || file.isPinned) continue;
      closeSync(file.descriptor);
      this.files.delete(path);
    }
  }
}

function readOnce(descriptor: number, target: Uint8Array, offset: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(descriptor, target, offset, target.length - offset, position, (error, bytes) => {
      if (error) reject(error);
      else resolve(bytes);
    });
  });
}
