/** `asterolab bench`: measures training, inference, simulation, loading and the kernel of notebooks. */

import { availableParallelism } from "node:os";
import { Argument, Command, Option } from "commander";
import { benchKernel } from "../bench/kernel";
import { benchLoad } from "../bench/load";
import { benchNetwork } from "../bench/network";
import { benchSimulate } from "../bench/simulate";
import { benchSweep, SWEEPS, type Sweep, sweepValues } from "../bench/sweep";
import { type Config, ENGINE_NAMES, PRECISIONS, PRESETS, type PresetName, parseConfig } from "../config";
import { POINTS } from "../data/grid";
import { CliError } from "../errors";
import { integer } from "./arguments";
import { runScale } from "./bench-scale";
import { kernelTable, networkTable, sweepTable } from "./bench-tables";
import { createProgress } from "./progress";

export interface Flags {
  readonly peer?: string;
  readonly peerBatch?: number;
  readonly json?: boolean;
  readonly preset: PresetName;
  readonly engine: Config["engine"];
  readonly precision: Config["precision"];
  readonly batch: number;
  readonly length: number;
  readonly threads?: number;
  readonly rounds: number;
  readonly steps: number;
  readonly spectra: number;
  readonly data?: string;
  readonly sweep?: Sweep;
  readonly ranks: number;
  readonly networkGbit: number;
}

const SUBJECTS = ["train", "infer", "simulate", "load", "scale", "kernel"] as const;
type Subject = (typeof SUBJECTS)[number];

export function benchCommand(): Command {
  return new Command("bench")
    .addArgument(new Argument("<what>", "what is measured").choices(SUBJECTS))
    .option("--peer <python>", "a Python that has torch, measured in turn with ours")
    .option("--peer-batch <n>", "its spectra per step (default: as ours)", integer("--peer-batch", 1))
    .addOption(new Option("--preset <name>", "the network").choices(Object.keys(PRESETS)).default("reference"))
    .addOption(new Option("--engine <name>", "where it computes").choices(ENGINE_NAMES).default("auto"))
    .addOption(new Option("--precision <name>", "of its products").choices(PRECISIONS).default("float32"))
    .option("--batch <n>", "spectra per step", integer("--batch", 1), 32)
    .option("--length <n>", "points of a spectrum", integer("--length", 1), POINTS)
    .option("--threads <n>", "threads of both sides (default: all cores)", integer("--threads", 1))
    .option("--rounds <n>", "times both sides are measured", integer("--rounds", 1), 3)
    .option("--steps <n>", "steps per round and side", integer("--steps", 1), 3)
    .option("--spectra <n>", "spectra to simulate", integer("--spectra", 1), 1024)
    .option("--data <dir>", "data set to load")
    .addOption(new Option("--sweep <what>", "measure training or inference for several values of it").choices(SWEEPS))
    .option("--ranks <n>", "ranks to scale to", integer("--ranks", 2), 2)
    .option(
      "--network-gbit <n>",
      "speed of the network that scaling is predicted for",
      integer("--network-gbit", 1),
      25,
    )
    .option("--json", "print one JSON document")
    .action(run);
}

async function run(what: Subject, flags: Flags): Promise<void> {
  const threads = flags.threads ?? availableParallelism();
  if (what === "simulate") {
    const result = await benchSimulate({ spectra: flags.spectra, workers: threads });
    const text = `${result.spectra_per_s.toFixed(0)} spectra/s with ${threads} workers\n`;
    process.stdout.write(flags.json ? json(result) : text);
    return;
  }
  if (what === "load") {
    if (flags.data === undefined) throw new CliError('"bench load" needs --data DIR, the data set to load');
    const result = await benchLoad(flags.data);
    const text = `${result.spectra_per_s.toFixed(0)} spectra/s, ${result.mb_per_s.toFixed(0)} MB/s\n`;
    process.stdout.write(flags.json ? json(result) : text);
    return;
  }
  if (what === "kernel") {
    const progress = createProgress({ label: "bench kernel", total: flags.rounds });
    const result = await benchKernel({ rounds: flags.rounds, onRound: (round) => progress.update(round) }).finally(() =>
      progress.stop(),
    );
    process.stdout.write(flags.json ? json(result) : kernelTable(result));
    return;
  }
  if (what === "scale") return runScale(flags, threads);
  const options = {
    what,
    config: networkOf(flags),
    points: flags.length,
    batchSize: flags.batch,
    threads,
    rounds: flags.rounds,
    steps: flags.steps,
    ...(flags.peer !== undefined && { python: flags.peer }),
    ...(flags.peerBatch !== undefined && { peerBatchSize: flags.peerBatch }),
  };
  if (flags.sweep !== undefined) {
    const label = `bench ${what}, ${flags.sweep}`;
    const progress = createProgress({ label, total: sweepValues(flags.sweep, options).length });
    const result = await benchSweep(flags.sweep, {
      ...options,
      onValue: (_, index) => progress.update(index + 1),
    }).finally(() => progress.stop());
    process.stdout.write(flags.json ? json(result) : sweepTable(result));
    return;
  }
  const progress = createProgress({ label: `bench ${what}`, total: flags.rounds });
  const result = await benchNetwork({ ...options, onRound: (round) => progress.update(round) }).finally(() =>
    progress.stop(),
  );
  process.stdout.write(flags.json ? json(result) : networkTable(result));
}

/** The network and the engine that are measured. */
export function networkOf({ preset, engine, precision }: Flags): Config {
  return parseConfig(preset, { engine, precision });
}

function json(result: object): string {
  return `${JSON.stringify(result, null, 2)}\n`;
}
