/**
 * Files that exist whole or not at all: written under a temporary name in the same folder, synced, renamed, and the folder
 * synced, so that neither a crash nor a power cut leaves half a file under the final name.
 */

import { constants, promises as fs } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";

/**
 * Writes one file and puts it in the place of each of `paths`, in their order; names of one folder that share the
 * content, as hard links where the file system has them.
 *
 * @param write fills the file, which is empty and open for writing.
 * @throws what the system or `write` throws; the temporary file is removed and no later name of `paths` has been touched.
 */
export async function replaceFiles(
  paths: readonly [string, ...string[]],
  write: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const [path] = paths;
  const temporary = temporaryPath(path);
  try {
    const file = await fs.open(temporary, "wx");
    try {
      await write(file);
      await file.sync();
    } finally {
      await file.close();
    }
    for (const other of paths.slice(0, -1)) await putCopy(temporary, other);
    await commitFile(temporary, paths.at(-1)!);
  } catch (error) {
    await discardFile(temporary);
    throw error;
  }
}

/** The name a file of `path` carries until it is complete: no reader looks at it, no other writer takes it. */
export function temporaryPath(path: string): string {
  const name = join(dirname(path), `${basename(path)}.tmp-${machine()}-${process.pid}-${temporaryCount++}`);
  ours.add(name);
  return name;
}

/** Gives a synced temporary file its final name, durably. */
export async function commitFile(temporary: string, path: string): Promise<void> {
  await fs.rename(temporary, path);
  ours.delete(temporary);
  await syncFolder(dirname(path));
}

/** Removes a temporary file that is given up. */
export async function discardFile(temporary: string): Promise<void> {
  await fs.rm(temporary, { force: true }).catch(() => undefined);
  ours.delete(temporary);
}

/**
 * Removes the temporary files that processes of this machine left in `folder` when they were killed; those of living
 * processes and of other machines stay.
 *
 * @returns the names removed.
 */
export async function removeAbandoned(folder: string): Promise<string[]> {
  const names = await fs.readdir(folder).catch(() => []);
  const abandoned = names.filter((name) => {
    const [, host, pid] = /\.tmp-(.+)-(\d+)-\d+$/.exec(name) ?? [];
    const isOurs = Number(pid) === process.pid;
    return host === machine() && !ours.has(join(folder, name)) && (isOurs || !isAlive(Number(pid)));
  });
  for (const name of abandoned) await fs.rm(join(folder, name), { force: true });
  return abandoned;
}

/** Whether another living process of this machine writes the temporary file of this name. */
export function isBeingWritten(name: string): boolean {
  const [, host, pid] = /\.tmp-(.+)-(\d+)-\d+$/.exec(name) ?? [];
  return host === machine() && Number(pid) !== process.pid && isAlive(Number(pid));
}

/** Fills `bytes` from `position` on. @throws {Error} when the file ends before. */
export async function readFully(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    const { bytesRead } = await file.read(bytes, done, bytes.byteLength - done, position + done);
    if (bytesRead === 0) throw new Error(`the file ends at byte ${position + done}`);
    done += bytesRead;
  }
}

/** Writes all of `bytes` at `position`; the system may take them in parts. */
export async function writeFully(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.byteLength - done, position + done);
    done += bytesWritten;
  }
}

/** Makes the renames in a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await fs.open(folder, "r");
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems cannot sync a folder; the rename itself is still atomic there.
    if (!["EINVAL", "ENOTSUP", "EPERM", "EBADF"].includes(errorCode(error) ?? "")) throw error;
  } finally {
    await handle.close();
  }
}

/** This machine's name, as it stands in the names of temporary files. */
export function machine(): string {
  return hostname().replace(/[^\w.]/g, "_");
}

/** Whether a process of this machine has this id. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === "EPERM";
  }
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

/** Whether the operating system, not a program, raised this. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error && "code" in error;
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
  EIO: "the disk reported an error",
};

/** Temporary files of this process that are being written. */
const ours = new Set<string>();
let temporaryCount = 0;

/** Puts the content of the synced file `source` in the place of `path`. */
async function putCopy(source: string, path: string): Promise<void> {
  const temporary = temporaryPath(path);
  try {
    try {
      await fs.link(source, temporary);
    } catch {
      // No hard links here: a copy, by reference where the file system has that.
      await fs.copyFile(source, temporary, constants.COPYFILE_FICLONE);
      await syncFile(temporary);
    }
    await fs.rename(temporary, path);
  } finally {
    // Gone already where the rename worked.
    await discardFile(temporary);
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await fs.open(path, "r+");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
