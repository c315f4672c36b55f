/** `asterolab bench scale`: starts ranks of itself, which measure together; rank 0 prints. */

import { join } from "node:path";
import { benchScale, type ScaleBench } from "../bench/scale";
import { detectLaunch, openWorld } from "../distributed";
import { runRanks } from "../distributed/mpirun";
import { projectRoot } from "../version";
import { type Flags, networkOf } from "./bench";

/** Round trip of a small message between machines of one room. */
const LATENCY_SECONDS = 20e-6;

/**
 * Measures on the ranks that a launcher has started, or starts them.
 *
 * @throws {CommunicatorError} when no MPI is installed.
 */
export async function runScale(flags: Flags, threads: number): Promise<void> {
  if (detectLaunch() === null) {
    process.exitCode = await start(flags, threads);
    return;
  }
  const comm = await openWorld();
  const result = await benchScale(comm, {
    config: networkOf(flags),
    points: flags.length,
    batchSize: flags.batch,
    threads,
    rounds: flags.rounds,
    steps: flags.steps,
    network: {
      ranksPerMachine: comm.size,
      bytesPerSecond: (flags.networkGbit * 1e9) / 8,
      latencySeconds: LATENCY_SECONDS,
    },
  });
  if (comm.rank === 0) process.stdout.write(flags.json ? `${JSON.stringify(result, null, 2)}\n` : table(result));
  await comm.close();
}

function start(flags: Flags, threads: number): Promise<number> {
  const numbers = {
    batch: flags.batch,
    length: flags.length,
    rounds: flags.rounds,
    steps: flags.steps,
    threads,
    "network-gbit": flags.networkGbit,
  };
  const { preset, engine, precision } = flags;
  const command = [
    ...[process.execPath, join(projectRoot, "bin", "asterolab.js"), "bench", "scale"],
    ...Object.entries({ preset, engine, precision, ...numbers }).flatMap(([name, value]) => [
      `--${name}`,
      String(value),
    ]),
    ...(flags.json ? ["--json"] : []),
  ];
  const never = new AbortController().signal;
  return runRanks({
    ranks: flags.ranks,
    command,
    restartCommand: command,
    maxRestarts: 0,
    stop: never,
    kill: never,
    rankOf: () => null,
    onLine: (text) => void process.stderr.write(`asterolab: ${text}\n`),
  });
}

function table(result: ScaleBench): string {
  const { ranks, one_rank: one, all_ranks: all, allreduce_ms: allreduce, model } = result;
  const rate = (samples: number): string => `${samples.toFixed(1).padStart(8)} samples/s`;
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const lines = [
    `scale: batch ${result.batch}, ${result.points} points, ${result.gradient_mb.toFixed(1)} MB of gradients`,
    `${rate(one.samples_per_s)}  1 rank with ${one.threads} threads`,
    `${rate(all.samples_per_s)}  ${ranks} ranks with ${result.threads_per_rank} threads each`,
    `ratio ${result.ratio.toFixed(3)}, communication outside backward ${percent(all.communication_share)} of a step ` +
      `(${percent(all.waiting_share)} with waiting for slower ranks)`,
    `all gradients alone: ${allreduce.ours.median.toFixed(1)} ms, the MPI library's own sum ` +
      `${allreduce.library.median.toFixed(1)} ms, ratio ${allreduce.ratio.toFixed(2)}`,
    "",
    `model: a step takes ${model.fixed_ms.toFixed(0)} ms and ${model.ms_per_sample.toFixed(1)} ms a spectrum on one rank`,
    ...model.predictions.map(
      (prediction) =>
        `${String(prediction.ranks).padStart(6)} ranks x ${prediction.batchPerRank} spectra: ` +
        `${rate(prediction.samples_per_s)}, efficiency ${percent(prediction.efficiency)}, ` +
        `communication ${percent(prediction.communication_share)}`,
    ),
    `assuming machines of ${model.network.ranksPerMachine} ranks, ` +
      `${((8 * model.network.bytesPerSecond) / 1e9).toFixed(0)} Gbit/s between them, ` +
      `${(1e6 * model.network.latencySeconds).toFixed(0)} µs latency, and that`,
    ...model.assumptions.map((assumption) => `  - ${assumption}`),
  ];
  return `${lines.join("\n")}\n`;
}
