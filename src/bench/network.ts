/** Training and inference of the network, ours and the peer's in turn, in one run. */

import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg } from "node:os";
import * as tf from "@tensorflow/tfjs-core";
import type { Config } from "../config";
import { classCounts, resolveClassEdges } from "../data/classes";
import { type Engine, engineStatistics, resetEngineStatistics, selectEngine } from "../engine";
import { loadAddon } from "../engine/native/addon";
import type { OpStatistics } from "../engine/native/profile";
import { createModel } from "../model/create-model";
import type { Model } from "../model/model";
import { Random } from "../random";
import { Adam } from "../train/adam";
import { createSchedule } from "../train/schedule";
import { applyGradients, batchGradients, type Examples } from "../train/step";
import { Peer, type StepTime } from "./peer";
import { type OpRow, rooflineOf } from "./roofline";
import { type Summary, summarize } from "./statistics";
import { measureYardsticks, type Yardsticks } from "./yardsticks";

/** What `benchNetwork` measures, and how long. */
export interface NetworkBenchOptions {
  readonly what: "train" | "infer";
  readonly config: Config;
  readonly points: number;
  readonly batchSize: number;
  readonly threads: number;
  /** Each round measures `steps` of ours, then `steps` of the peer's. */
  readonly rounds: number;
  readonly steps: number;
  /** A Python that has torch; without one only our side is measured. */
  readonly python?: string;
  /** Spectra per step of the peer, where its best is another; default: as ours. */
  readonly peerBatchSize?: number;
  readonly onRound?: (round: number) => void;
}

/** What one program reached: ours, or its peer. */
export interface Side {
  readonly name: string;
  readonly threads: number;
  readonly batch: number;
  readonly samples_per_s: number;
  readonly seconds_per_step: Summary;
  /** Processor time of the whole process: what holds on a machine that others use too. */
  readonly cpu_seconds_per_step: Summary;
  readonly peak_rss_mb: number;
}

/** What a measurement was made on. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  /** The instructions our ops use; null on another engine. */
  readonly isa: string | null;
  /** Processes that wanted a core over the last minute, ours included. */
  readonly load_average: number;
}

/** Both sides of a measurement, with the time of each native op. */
export interface NetworkBench {
  readonly what: "train" | "infer";
  readonly engine: Engine["name"];
  readonly precision: Engine["precision"];
  readonly points: number;
  readonly batch: number;
  readonly parameters: number;
  readonly ours: Side;
  readonly peer: Side | null;
  /** Ours over the peer's, in samples per second; null without a peer. */
  readonly ratio: number | null;
  /** The same by processor time per sample. */
  readonly cpu_ratio: number | null;
  readonly machine: Machine;
  /** Measured after the steps; null on another engine than native. */
  readonly yardsticks: Yardsticks | null;
  readonly ops: readonly OpRow[];
  /** The share of our step outside native ops: JavaScript and tfjs's bookkeeping. */
  readonly share_outside_ops: number;
}

/** The first allocates, and what JavaScript there is becomes compiled. */
const WARM_UP_STEPS = 2;

/**
 * Measures optimizer steps (`train`: forward, backward, clipping, Adam, dropout on) or forward passes (`infer`) on
 * random spectra and labels. Both sides are warmed up by two steps and wait while the other works.
 *
 * @throws {CliError} when the peer does not run.
 */
export async function benchNetwork(options: NetworkBenchOptions): Promise<NetworkBench> {
  const { what, config, points, batchSize, peerBatchSize = batchSize, rounds, steps, threads } = options;
  const engine = await selectEngine(config.engine, { threads, precision: config.precision });
  const model = createModel(config, points);
  const { step, dispose } = what === "train" ? trainStep(model, options) : inferStep(model, options);
  const classes = classCounts(resolveClassEdges(config.heads, config.edges));
  const peer = options.python
    ? await Peer.start(options.python, {
        ...{ config, classes, points, threads },
        batchSize: peerBatchSize,
        usesGpu: engine.usesGpu,
      })
    : null;
  try {
    for (let index = 0; index < WARM_UP_STEPS; index++) step();
    await peer?.run(what, WARM_UP_STEPS);
    const ourTimes: StepTime[] = [];
    const ourOps: ReadonlyMap<string, OpStatistics>[] = [];
    const peerTimes: StepTime[] = [];
    let peerRss = 0;
    for (let round = 0; round < rounds; round++) {
      for (let index = 0; index < steps; index++) {
        resetEngineStatistics();
        ourTimes.push(timeOf(step));
        ourOps.push(engineStatistics().ops);
      }
      if (peer) {
        const times = await peer.run(what, steps);
        peerTimes.push(...times.steps);
        peerRss = times.peakRssMb;
      }
      options.onRound?.(round + 1);
    }
    const ours = side(engine.describe(), engine.threads, ourTimes, batchSize, peakRssMb());
    const theirs = peer && side(peer.name, peer.threads, peerTimes, peerBatchSize, peerRss);
    const isNative = engine.name === "native";
    const yardsticks = isNative ? measureYardsticks() : null;
    const stepSeconds = ourTimes.map(({ seconds }) => seconds);
    const ops = isNative ? rooflineOf(ourOps, stepSeconds, yardsticks) : [];
    return {
      what,
      engine: engine.name,
      precision: engine.precision,
      points,
      batch: batchSize,
      parameters: model.parameterCount,
      ours,
      peer: theirs,
      ratio: theirs && ours.samples_per_s / theirs.samples_per_s,
      cpu_ratio: theirs && cpuPerSample(theirs) / cpuPerSample(ours),
      machine: {
        cpu: cpus()[0]?.model ?? "unknown",
        cores: availableParallelism(),
        isa: isNative ? loadAddon().isa() : null,
        load_average: loadavg()[0]!,
      },
      yardsticks,
      ops,
      share_outside_ops: 1 - ops.reduce((sum, { share }) => sum + share, 0),
    };
  } finally {
    peer?.stop();
    dispose();
    model.dispose();
  }
}

/** What is measured, and how its memory is freed. */
interface Work {
  readonly step: () => void;
  readonly dispose: () => void;
}

function trainStep(model: Model, { config, points, batchSize }: NetworkBenchOptions): Work {
  const examples = randomExamples(model, points, batchSize);
  const optimizer = new Adam(model.parameters);
  const schedule = createSchedule(config, 1);
  let taken = 0;
  const step = (): void => {
    const masks = { seed: config.seed, step: taken };
    const gradients = batchGradients(model, "sparse_categorical_crossentropy", examples, masks);
    const value = schedule.at(taken);
    applyGradients(optimizer, gradients.tensors, { value, clipNorm: config.clip_norm, divisor: 1 });
    taken++;
  };
  return { step, dispose: () => optimizer.dispose() };
}

function inferStep(model: Model, { points, batchSize }: NetworkBenchOptions): Work {
  const { spectra } = randomExamples(model, points, batchSize);
  const step = (): void =>
    tf.tidy(() => {
      for (const logits of model.forward(tf.tensor2d(spectra, [batchSize, points]))) logits.dataSync();
    });
  return { step, dispose: () => undefined };
}

/** Spectra of noise and random labels. */
export function randomExamples(model: Model, points: number, size: number): Examples {
  const random = new Random(1);
  const spectra = Float32Array.from({ length: size * points }, () => 1e-3 - Math.log(random.uniform()));
  const counts = [...model.options.classes.values()];
  const targets = Int32Array.from({ length: size * counts.length }, (_, index) =>
    random.integer(counts[index % counts.length]!),
  );
  return { spectra, targets, size };
}

function timeOf(work: () => void): StepTime {
  const [startedAt, cpuBefore] = [performance.now(), process.cpuUsage()];
  work();
  const { user, system } = process.cpuUsage(cpuBefore);
  return { seconds: (performance.now() - startedAt) / 1000, cpuSeconds: (user + system) / 1e6 };
}

function side(name: string, threads: number, times: readonly StepTime[], batch: number, rssMb: number): Side {
  const wall = summarize(times.map(({ seconds }) => seconds));
  const cpu = summarize(times.map(({ cpuSeconds }) => cpuSeconds));
  const samples_per_s = batch / wall.median;
  return { name, threads, batch, samples_per_s, seconds_per_step: wall, cpu_seconds_per_step: cpu, peak_rss_mb: rssMb };
}

function cpuPerSample({ cpu_seconds_per_step, batch }: Side): number {
  return cpu_seconds_per_step.median / batch;
}

/** Of this program alone: Linux's `maxRSS` begins with what its parent held when it started it. */
function peakRssMb(): number {
  try {
    return Math.round(Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))![1]) / 1024);
  } catch {
    return Math.round(process.resourceUsage().maxRSS / 1024);
  }
}
