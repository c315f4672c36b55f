/**
 * Files that exist whole or not at all: written under a temporary name in the same folder, synced, renamed, and the folder
 * synced, so that neither a crash nor a power cut leaves half a file under the final name.
 */

import { constants, promises as fs } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { CheckpointError } from "../errors";

/**
 * Writes one file and puts it in the place of each of `paths`, in their order; names of one folder that share the
 * content, as hard links where the file system has them.
 *
 * @param write fills the file, which is empty and open for writing.
 * @throws {CheckpointError} naming the path and the cause when the file system refuses; the temporary file is removed and
 * no later name of `paths` has been touched. Other errors of `write` pass through.
 */
export async function writeAtomically(
  paths: readonly [string, ...string[]],
  write: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const [path] = paths;
  const temporary = temporaryName(path);
  try {
    const file = await fs.open(temporary, "wx");
    try {
      await write(file);
      await file.sync();
    } finally {
      await file.close();
    }
    for (const other of paths.slice(0, -1)) await putCopy(temporary, other);
    await fs.rename(temporary, paths.at(-1)!);
    await syncFolder(dirname(path));
  } catch (error) {
    await fs.rm(temporary, { force: true }).catch(() => undefined);
    throw isSystemError(error)
      ? new CheckpointError(`Cannot write "${path}": ${describeSystemError(error)}`, path, { cause: error })
      : error;
  } finally {
    ours.delete(temporary);
  }
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
    return host === machine() && !ours.has(join(folder, name)) && !isOtherProcess(Number(pid));
  });
  for (const name of abandoned) await fs.rm(join(folder, name), { force: true });
  return abandoned;
}

/** What went wrong, in words, with the code: `no space is left on the disk (ENOSPC)`. */
export function describeSystemError(error: NodeJS.ErrnoException): string {
  const words = CAUSES[error.code ?? ""] ?? error.message.split("\n")[0]!.replace(/^[A-Z]+: /, "");
  return `${words} (${error.code})`;
}

/** Whether the operating system, not a program, raised this. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error && "code" in error;
}

const CAUSES: Readonly<Record<string, string>> = {
  ENOSPC: "no space is left on the disk; free some, or choose another folder",
  EDQUOT: "the disk quota is used up; free some space, or choose another folder",
  EFBIG: "the file would exceed the size limit",
  EROFS: "the file system is read-only; choose another folder",
  EACCES: "permission denied; choose a folder and file that you may use",
  EPERM: "the operation is not permitted; choose a folder that you may use",
  ENOENT: "no such file or folder",
  ENOTDIR: "a part of the path is not a folder",
  EISDIR: "it is a folder, expected a file",
  EIO: "the disk reported an error",
};

/** Temporary files of this process that are being written. */
const ours = new Set<string>();
let temporaryCount = 0;

function temporaryName(path: string): string {
  const name = join(dirname(path), `${basename(path)}.tmp-${machine()}-${process.pid}-${temporaryCount++}`);
  ours.add(name);
  return name;
}

function machine(): string {
  return hostname().replace(/[^\w.]/g, "_");
}

/** Whether a process of this id, other than this one, is alive. */
function isOtherProcess(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Puts the content of the synced file `source` in the place of `path`. */
async function putCopy(source: string, path: string): Promise<void> {
  const temporary = temporaryName(path);
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
    await fs.rm(temporary, { force: true });
    ours.delete(temporary);
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

async function syncFolder(folder: string): Promise<void> {
  const handle = await fs.open(folder, "r");
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems cannot sync a folder; the rename itself is still atomic there.
    if (!["EINVAL", "ENOTSUP", "EPERM", "EBADF"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  } finally {
    await handle.close();
  }
}
