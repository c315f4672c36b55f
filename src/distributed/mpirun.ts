/** Starts ranks on this machine (or in this Slurm allocation) through the mpirun that is installed. */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { counted } from "../counted";
import { CommunicatorError } from "../errors";
import { projectRoot } from "../version";
import { addonPath, type Implementation } from "./addon";
import { withoutRank } from "./launch";

export interface Mpirun {
  readonly command: string;
  readonly implementation: Implementation;
  /** The first line of what it says of itself. */
  readonly version: string;
}

export interface RanksOptions {
  readonly ranks: number;
  /** The program of each rank, with its arguments. */
  readonly command: readonly string[];
  /** The command of a restart, which continues from the last checkpoint. */
  readonly restartCommand: readonly string[];
  readonly maxRestarts: number;
  /** What a restart waits for. */
  readonly beforeRestart?: () => Promise<void>;
  /** Aborted once: all ranks save and stop. */
  readonly stop: AbortSignal;
  /** Aborted: the ranks end at once. */
  readonly kill: AbortSignal;
  /** Which rank a process was, in words; null when that is not known. */
  readonly rankOf: (pid: number) => string | null;
  readonly onLine: (text: string) => void;
  /** Hears what the ranks print. Default: this process prints it. */
  readonly onOutput?: (text: string) => void;
}

/** What a launched rank 0 reads on its standard input when it is to save and stop. */
export const STOP_WORD = "stop";

const HINT =
  "run `npm run setup -- --mpi`, or install an MPI (Debian: apt-get install openmpi-bin libopenmpi-dev) and run `npm run build:mpi`";
const MS_TO_KILL = 10_000;

/**
 * The mpirun to use: ASTEROLAB_MPIRUN, or the first that runs of mpirun, mpirun.openmpi and mpirun.mpich.
 *
 * @returns null when there is none.
 */
export function maybeFindMpirun(): Mpirun | null {
  const named = process.env.ASTEROLAB_MPIRUN;
  for (const command of named === undefined ? ["mpirun", "mpirun.openmpi", "mpirun.mpich"] : [named]) {
    const { status, stdout } = spawnSync(command, ["--version"], { encoding: "utf8", env: withoutRank() });
    if (status !== 0) continue;
    const implementation = /open ?mpi|openrte|prrte/i.test(stdout) ? "openmpi" : "mpich";
    const version = /open/i.test(stdout)
      ? stdout.split("\n")[0]!
      : `MPICH ${/Version:\s*(\S+)/.exec(stdout)?.[1] ?? ""}`;
    return { command, implementation, version: version.trim() };
  }
  return null;
}

/**
 * Runs a command on several ranks until all have ended, and again as often as it may when it failed.
 *
 * @returns the exit code of mpirun: 0 when all ranks ended well.
 * @throws {CommunicatorError} when no MPI is installed or its addon cannot be built.
 */
export async function runRanks(options: RanksOptions): Promise<number> {
  const mpirun = requireMpirun(options.ranks);
  for (let restart = 0; ; restart++) {
    const code = await runOnce(mpirun, restart === 0 ? options.command : options.restartCommand, options);
    // 2 says that the request was wrong: it would be so again.
    const isOver = code === 0 || code === 2 || options.stop.aborted || options.kill.aborted;
    if (isOver || restart >= options.maxRestarts) return code;
    options.onLine(
      `the ranks ended with exit code ${code}; restart ${restart + 1} of ${options.maxRestarts} goes on from the last checkpoint`,
    );
    await options.beforeRestart?.();
  }
}

/**
 * The mpirun to start ranks with; its addon is built when it is missing.
 *
 * @throws {CommunicatorError} when no MPI is installed or its addon cannot be built.
 */
export function requireMpirun(ranks: number): Mpirun {
  const mpirun = maybeFindMpirun();
  if (mpirun === null) {
    throw new CommunicatorError(`Cannot start ${counted(ranks, "rank")}: no mpirun is found; ${HINT}`, {
      isRequest: true,
    });
  }
  ensureAddon(mpirun.implementation);
  return mpirun;
}

/** mpirun's arguments before the program. */
export function mpirunFlags({ implementation }: Pick<Mpirun, "implementation">, ranks: number): string[] {
  if (implementation === "mpich") return ["-n", String(ranks)];
  return [
    ...["-n", String(ranks)],
    // Ranks have threads of their own and share the cores out among themselves.
    ...["--bind-to", "none", "--oversubscribe"],
    ...(process.getuid?.() === 0 ? ["--allow-run-as-root"] : []),
    // A machine that is gone is noticed.
    ...["--mca", "oob_tcp_keepalive_time", "5", "--mca", "oob_tcp_keepalive_intvl", "2"],
    ...["--mca", "oob_tcp_keepalive_probes", "3"],
  ];
}

function runOnce(mpirun: Mpirun, command: readonly string[], options: RanksOptions): Promise<number> {
  const { ranks, stop, kill, rankOf, onLine, onOutput } = options;
  // In a process group of its own: Ctrl-C reaches this process alone, which lets the ranks save.
  const child = spawn(mpirun.command, [...mpirunFlags(mpirun, ranks), ...command], {
    stdio: ["pipe", "pipe", onOutput ? "pipe" : "inherit"],
    detached: true,
    env: withoutRank(),
  });
  const onStop = (): void => void child.stdin?.write(`${STOP_WORD}\n`);
  const onKill = (): void => endAtOnce(child);
  if (onOutput) {
    child.stdout?.on("data", (bytes: Buffer) => onOutput(bytes.toString()));
    child.stderr?.on("data", (bytes: Buffer) => onOutput(bytes.toString()));
  } else {
    child.stdout?.pipe(process.stdout, { end: false });
  }
  let tail = "";
  child.stdout?.on("data", (bytes: Buffer) => {
    tail = (tail + bytes.toString()).slice(-4096);
  });
  child.stdin?.on("error", () => {}); // mpirun has ended
  stop.addEventListener("abort", onStop);
  kill.addEventListener("abort", onKill);
  return new Promise((resolve, reject) => {
    child.once("error", (cause) =>
      reject(new CommunicatorError(`Cannot start ${mpirun.command}: ${cause.message}`, { cause })),
    );
    child.once("close", (code, signal) => {
      const lost = maybeLostProcess(tail);
      const rank = lost && rankOf(lost.pid);
      if (rank) onLine(`${rank} ended with ${lost.how}; the job has ended`);
      if (signal !== null && !kill.aborted) onLine(`${mpirun.command} itself was ended by ${signal}; the job ends`);
      stop.removeEventListener("abort", onStop);
      kill.removeEventListener("abort", onKill);
      resolve(signal === null ? (code ?? 1) : 1);
    });
  });
}

/** The process that Hydra says was lost; it kills the other ranks before one of them can say which rank that was. */
function maybeLostProcess(text: string): { pid: number; how: string } | null {
  const [, pid, code] = /PID (\d+) RUNNING AT \S+\s*\n=\s*EXIT CODE: (\d+)/.exec(text) ?? [];
  if (pid === undefined) return null;
  const signal = /signal (\d+)/.exec(text)?.[1];
  const how = signal === undefined ? `exit code ${code}` : `signal ${signal} (killed, or out of memory)`;
  return { pid: Number(pid), how };
}

/** mpirun ends its ranks when it is asked to; when it does not, its process group goes. */
function endAtOnce(child: ChildProcess): void {
  child.kill("SIGTERM");
  setTimeout(() => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    process.kill(-child.pid, "SIGKILL");
  }, MS_TO_KILL).unref();
}

function ensureAddon(implementation: Implementation): void {
  if (existsSync(addonPath(implementation))) return;
  spawnSync(process.execPath, [join(projectRoot, "scripts", "build-mpi.mjs"), "--if-found"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (existsSync(addonPath(implementation))) return;
  throw new CommunicatorError(`Cannot start ranks: the addon for ${implementation} is not built; ${HINT}`, {
    isRequest: true,
  });
}
