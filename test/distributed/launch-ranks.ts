/** Starts real ranks for a test, and sees that none is left. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { addonPath, type Implementation } from "../../src/distributed/addon";
import { withoutRank } from "../../src/distributed/launch";
import { type Mpirun, maybeFindMpirun, mpirunFlags } from "../../src/distributed/mpirun";
import { projectRoot } from "../../src/version";

/** The mpirun of an implementation; a reason in words where tests have to be skipped. */
export function findMpi(implementation: Implementation): { mpirun: Mpirun | null; skip: string | false } {
  const before = process.env.ASTEROLAB_MPIRUN;
  try {
    for (const name of ["mpirun", `mpirun.${implementation}`]) {
      process.env.ASTEROLAB_MPIRUN = name;
      const mpirun = maybeFindMpirun();
      if (mpirun?.implementation !== implementation) continue;
      const isBuilt = existsSync(addonPath(implementation));
      return { mpirun, skip: isBuilt ? false : `the addon for ${implementation} is not built (npm run build:mpi)` };
    }
    return { mpirun: null, skip: `no mpirun of ${implementation} here` };
  } finally {
    if (before === undefined) delete process.env.ASTEROLAB_MPIRUN;
    else process.env.ASTEROLAB_MPIRUN = before;
  }
}

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
  /** As Date.now() tells. */
  readonly endedAt: number;
  /** Process numbers of the ranks, as they reported them. */
  readonly pids: readonly number[];
}

export interface LaunchOptions {
  readonly ranks: number;
  /** A TypeScript file of test/distributed/ranks. */
  readonly script: string;
  readonly argument: unknown;
  readonly nodeFlags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Called with the process number of mpirun once all ranks have reported theirs. */
  readonly onStarted?: (pid: number, ranks: readonly number[]) => void;
  readonly timeoutMs?: number;
  /** What mpirun's own command starts with. */
  readonly prefix?: readonly string[];
  readonly mpirunFlags?: readonly string[];
}

/** Runs a script on ranks to its end. Each rank prints `pid <number>` on a line of its own when it starts. */
export async function launchRanks(mpirun: Mpirun, options: LaunchOptions): Promise<Ended> {
  const { ranks, script, argument, nodeFlags = [], env = {}, onStarted, timeoutMs = 150_000, prefix = [] } = options;
  const startedAt = performance.now();
  const [command, ...rest] = [...prefix, mpirun.command];
  const child = spawn(
    command!,
    [
      ...rest,
      ...mpirunFlags(mpirun, ranks),
      ...(options.mpirunFlags ?? []),
      ...[process.execPath, ...nodeFlags, "--require", "ts-node/register"],
      ...[join(projectRoot, "test", "distributed", "ranks", script), JSON.stringify(argument)],
    ],
    { cwd: projectRoot, env: { ...withoutRank(), NO_COLOR: "1", ...env }, stdio: ["ignore", "pipe", "pipe"] },
  );
  let stdout = "";
  let stderr = "";
  let hasStarted = false;
  const pids = (): number[] => [...stdout.matchAll(/^pid (\d+)/gm)].map(([, pid]) => Number(pid));
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    if (hasStarted || pids().length < ranks) return;
    hasStarted = true;
    onStarted?.(child.pid!, pids());
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const timer = setTimeout(() => {
    for (const pid of pids()) kill(pid);
    child.kill("SIGKILL");
  }, timeoutMs);
  const code = await new Promise<number>((resolve, reject) => {
    child.once("error", reject).once("close", (status) => resolve(status ?? -1));
    // A daemon on a host that is cut off may hold the pipes for longer.
    child.once("exit", (status) => setTimeout(() => resolve(status ?? -1), 1000));
  });
  clearTimeout(timer);
  child.stdout.destroy();
  child.stderr.destroy();
  return { code, stdout, stderr, seconds: (performance.now() - startedAt) / 1000, endedAt: Date.now(), pids: pids() };
}

/** Waits up to two seconds for processes to be gone, which mpirun has ended. */
export async function assertGone(pids: readonly number[]): Promise<void> {
  for (let attempt = 0; attempt < 20 && pids.some(isAlive); attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.deepEqual(pids.filter(isAlive), [], "processes of ranks are left");
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}
