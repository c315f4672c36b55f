/** `asterolab train --ranks N`: the process that starts the ranks, passes signals on and restarts after a failure. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { waitForLock } from "../checkpoint";
import { detectLaunch } from "../distributed";
import { runRanks } from "../distributed/mpirun";
import { CliError } from "../errors";
import { projectRoot } from "../version";
import type { TrainFlags } from "./train";

/**
 * Trains on ranks of this machine.
 *
 * @returns the exit code: that of mpirun, or 128 + the signal's number when a signal stopped the run.
 * @throws {CliError} when this process is a rank itself.
 * @throws {CommunicatorError} when no MPI is installed.
 */
export async function launchTraining(flags: TrainFlags, ranks: number): Promise<number> {
  const launch = detectLaunch();
  if (launch !== null) {
    throw new CliError(
      `--ranks ${ranks} starts mpirun, but ${launch.launcher} has started this process; leave --ranks out`,
    );
  }
  const stop = new AbortController();
  const kill = new AbortController();
  let signalCode = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    signalCode = { SIGINT: 130, SIGTERM: 143, SIGUSR1: 138 }[signal as "SIGINT"];
    if (stop.signal.aborted) kill.abort();
    else {
      stop.abort();
      process.stderr.write(`${signal}: all ranks save after this step; once more ends them at once\n`);
    }
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal).on("SIGUSR1", onSignal);
  try {
    const code = await runRanks({
      ranks,
      command: rankCommand(flags),
      restartCommand: rankCommand({ ...flags, restore: "yes" }),
      maxRestarts: flags.maxRestarts,
      // mpirun may be gone before the rank that writes the folder is.
      beforeRestart: () => waitForLock(flags.path),
      stop: stop.signal,
      kill: kill.signal,
      rankOf: (pid) => rankOfProcess(flags.path, pid),
      onLine: (text) => void process.stderr.write(`asterolab: ${text}\n`),
    });
    return signalCode || code;
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal).off("SIGUSR1", onSignal);
  }
}

/** Each rank's log begins with who it is. */
function rankOfProcess(folder: string, pid: number): string | null {
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    if (!/^rank-\d+\.log$/.test(name)) continue;
    const who = [...readFileSync(join(folder, name), "utf8").matchAll(/(rank \d+) of \d+ (on \S+) \(process (\d+)\)/g)];
    if (Number(who.at(-1)?.[3]) === pid) return `${who.at(-1)![1]} ${who.at(-1)![2]} (process ${pid})`;
  }
  return null;
}

function rankCommand(flags: TrainFlags): string[] {
  const named = { preset: flags.preset, data: flags.data, engine: flags.engine, threads: flags.threads?.toString() };
  return [
    process.execPath,
    join(projectRoot, "bin", "asterolab.js"),
    ...["train", "--launched", "--path", flags.path, "--restore", flags.restore],
    ...Object.entries(named).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value])),
    ...flags.config.flatMap((file) => ["--config", file]),
    ...flags.set.flatMap((assignment) => ["--set", assignment]),
    ...(flags.deterministic ? ["--deterministic"] : []),
    ...(flags.json ? ["--json"] : []),
  ];
}
