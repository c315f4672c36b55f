/**
 * One run at a time writes a run folder: it holds `run.lock`, which names the process and its machine.
 *
 * A lock outlives a run that was killed. On the same machine the system says whether the process still lives; of other
 * machines only the lock's age tells, which a living run keeps low.
 */

import { randomUUID } from "node:crypto";
import { promises as fs, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { CheckpointError } from "../errors";
import { describeIoError, discardFile, errorCode, isAlive, isSystemError, temporaryPath } from "../files";

/** The name of the lock in a run folder. */
export const LOCK_FILE = "run.lock";

/** A living run touches its lock this often. */
const TOUCH_INTERVAL_MS = 15_000;

/** A lock of another machine that is this old belongs to a run that has ended: no step takes so long. */
const ABANDONED_AFTER_MS = 10 * 60_000;

/** Two processes that take over one abandoned lock at once need this long to see each other. */
const SETTLE_MS = 100;

/** The right to write a run folder. */
export interface RunLock {
  /** @throws {CheckpointError} when another run has taken the folder over. */
  check(): Promise<void>;
  /** Gives the folder free; later calls do nothing. */
  release(): Promise<void>;
}

/**
 * Takes the lock of a run folder, which must exist.
 *
 * @throws {CheckpointError} naming process and machine when another run holds it, or when the folder cannot be written.
 */
export async function lockRun(dir: string): Promise<RunLock> {
  const path = join(dir, LOCK_FILE);
  const mine: Owner = {
    pid: process.pid,
    host: hostname(),
    started: startTimeOf(process.pid),
    since: new Date().toISOString(),
    token: randomUUID(),
  };
  const content = Buffer.from(`${JSON.stringify(mine)}\n`);
  let file: fs.FileHandle;
  try {
    await acquire(path, mine, content, dir);
    file = await fs.open(path, "r+");
  } catch (cause) {
    if (!isSystemError(cause)) throw cause;
    throw new CheckpointError(`Cannot lock run folder "${dir}": ${describeIoError(cause)}`, dir, { cause });
  }
  const touch = setInterval(() => {
    // The same bytes again: the file's own machine notes when. Never those of a run that has taken the folder over.
    file.write(content, 0, content.length, 0).catch(() => undefined);
  }, TOUCH_INTERVAL_MS);
  touch.unref();
  let isHeld = true;
  return {
    async check() {
      const owner = await maybeReadOwner(path);
      if (owner?.token === mine.token) return;
      const now = owner === null ? "its lock is gone" : `${describe(owner)} has taken it over`;
      throw new CheckpointError(`Cannot go on in run folder "${dir}": ${now}; this run ends without writing`, dir);
    },
    async release() {
      if (!isHeld) return;
      isHeld = false;
      clearInterval(touch);
      await file.close();
      if ((await maybeReadOwner(path))?.token === mine.token) await fs.rm(path, { force: true });
    },
  };
}

/** Waits until no run of this machine holds a folder's lock, at most so long: one that failed may still be ending. */
export async function waitForLock(dir: string, milliseconds = 15_000): Promise<void> {
  const path = join(dir, LOCK_FILE);
  for (const until = Date.now() + milliseconds; Date.now() < until; await sleep(SETTLE_MS)) {
    const owner = await maybeReadOwner(path);
    if (owner === null || owner.host !== hostname() || hasEndedHere(owner)) return;
  }
}

const ownerSchema = z.object({
  pid: z.int().positive(),
  host: z.string(),
  /** When the process began, in the machine's own count; tells a process from a later one of the same number. */
  started: z.string().nullable(),
  since: z.string(),
  token: z.string(),
});

type Owner = z.infer<typeof ownerSchema>;

async function acquire(path: string, mine: Owner, content: Buffer, dir: string): Promise<void> {
  const temporary = temporaryPath(path);
  try {
    await fs.writeFile(temporary, content);
    if (await maybePlace(temporary, path)) return;
    await refuseHeld(path, dir);
    // The lock is abandoned. Of several that find it so, the last to replace it keeps it.
    await fs.rename(temporary, path);
    await sleep(SETTLE_MS);
    if ((await maybeReadOwner(path))?.token !== mine.token) await refuseHeld(path, dir);
  } finally {
    await discardFile(temporary);
  }
}

/** Puts `source` in the place of `path` unless something is there. */
async function maybePlace(source: string, path: string): Promise<boolean> {
  try {
    await fs.link(source, path);
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
  }
  try {
    // No hard links here.
    await fs.copyFile(source, path, fs.constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
}

/** @throws {CheckpointError} unless the run that holds the lock has ended. */
async function refuseHeld(path: string, dir: string): Promise<void> {
  const owner = await maybeReadOwner(path);
  if (owner === null) return; // released just now, or a damaged lock that no living run would leave
  const isHere = owner.host === hostname();
  const hasEnded = isHere ? hasEndedHere(owner) : (await ageMs(path)) > ABANDONED_AFTER_MS;
  if (hasEnded) return;
  const advice = isHere ? "wait for it to end, or choose another --path" : `if it has ended, remove "${path}"`;
  throw new CheckpointError(`Cannot use run folder "${dir}": ${describe(owner)} is writing to it; ${advice}`, dir);
}

/** Of an owner on this machine. */
function hasEndedHere({ pid, started }: Owner): boolean {
  return !isAlive(pid) || startTimeOf(pid) !== started;
}

function describe({ pid, host, since }: Owner): string {
  return `process ${pid} on ${host} (since ${since})`;
}

async function maybeReadOwner(path: string): Promise<Owner | null> {
  try {
    return ownerSchema.parse(JSON.parse(await fs.readFile(path, "utf8")));
  } catch (error) {
    if (isSystemError(error) && error.code !== "ENOENT") throw error;
    return null;
  }
}

/** The lock's age by the clock of the file's own machine: machines may disagree about the time. */
async function ageMs(path: string): Promise<number> {
  const probe = temporaryPath(path);
  try {
    await fs.writeFile(probe, "");
    const [lock, now] = await Promise.all([fs.stat(path), fs.stat(probe)]);
    return now.mtimeMs - lock.mtimeMs;
  } finally {
    await discardFile(probe);
  }
}

/** Clock ticks from the machine's start to the process's (proc(5), field 22 of `stat`); null where there is no /proc. */
function startTimeOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The second field, the command's name in parentheses, may hold spaces.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}
