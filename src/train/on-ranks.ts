/** Trains on several ranks from a program that is itself no rank, such as a notebook. */

import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitForLock } from "../checkpoint";
import type { Config } from "../config";
import { detectLaunch } from "../distributed/launch";
import { type Mpirun, maybeFindMpirun, runRanks } from "../distributed/mpirun";
import { CommunicatorError } from "../errors";
import { projectRoot } from "../version";

/** Where a run on ranks lies, on how many, and how it begins. */
export interface TrainOnRanksOptions {
  /** The run's folder; `readMetrics` tells afterwards how it went. */
  readonly path: string;
  readonly restore: boolean;
  readonly ranks: number;
  /** Restarts from the last checkpoint when a rank fails; default 0. */
  readonly maxRestarts?: number;
  /** Aborted: all ranks save and stop. */
  readonly signal?: AbortSignal;
}

/** The last of what the ranks printed, for errors. */
const TAIL = 2000;

/** The mpirun that `trainOnRanks` would use; null when no MPI is installed. */
export function findMpirun(): Mpirun | null {
  return maybeFindMpirun();
}

/**
 * Starts ranks on this machine with `mpirun` and waits until they have trained as `config` says.
 *
 * @throws {CommunicatorError} when no MPI is installed, this process is itself one of several ranks, or the ranks failed,
 *   with what they said last.
 */
export async function trainOnRanks(config: Config, options: TrainOnRanksOptions): Promise<void> {
  const { path, restore, ranks, maxRestarts = 0, signal } = options;
  const launch = detectLaunch();
  if (launch !== null && launch.size > 1) {
    throw new CommunicatorError(
      `Cannot start ${ranks} ranks from rank ${launch.rank} of ${launch.size}: expected a program that is no rank; ` +
        `in one on ranks, call "train", and run a notebook that starts ranks without --ranks`,
      { isRequest: true },
    );
  }
  const folder = await mkdtemp(join(tmpdir(), "asterolab-ranks-"));
  const file = join(folder, "config.json");
  let printed = "";
  const command = (isRestore: boolean): string[] => [
    ...[process.execPath, join(projectRoot, "bin", "asterolab.js"), "train", "--launched"],
    ...["--path", path, "--restore", isRestore ? "yes" : "no", "--config", file],
  ];
  try {
    await writeFile(file, JSON.stringify(config));
    const code = await runRanks({
      ranks,
      command: command(restore),
      restartCommand: command(true),
      maxRestarts,
      beforeRestart: () => waitForLock(path),
      stop: signal ?? new AbortController().signal,
      kill: new AbortController().signal,
      rankOf: () => null,
      onLine: (text) => {
        printed += `${text}\n`;
      },
      onOutput: (text) => {
        printed = (printed + text).slice(-TAIL);
      },
    });
    if (code === 0) return;
    const where = existsSync(path) ? `; see the logs in "${path}"` : "";
    throw new CommunicatorError(`The ${ranks} ranks ended with exit code ${code}${where}:\n${printed.trim()}`, {
      isRequest: code === 2,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
