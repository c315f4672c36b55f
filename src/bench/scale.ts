/** Training on ranks beside one rank with as many threads, in turn within one job, and what communication costs. */

import type { Tensor } from "@tensorflow/tfjs-core";
import type { Config } from "../config";
import { divisionOf, type PartDivision } from "../data/division";
import { partOf, WHOLE } from "../data/share";
import type { Communicator } from "../distributed";
import { orderedSum } from "../distributed/agree";
import { GradientReducer } from "../distributed/gradient-reducer";
import { selectEngine } from "../engine";
import { createModel } from "../model/create-model";
import type { Model, TrainingPass } from "../model/model";
import { Adam } from "../train/adam";
import { createSchedule } from "../train/schedule";
import { shareGradients } from "../train/shared-step";
import { applyGradients, batchGradients, type Examples } from "../train/step";
import { randomExamples } from "./network";
import { ASSUMPTIONS, fitStep, type Network, type Prediction, predict } from "./scale-model";
import { type Summary, summarize } from "./statistics";

export interface ScaleBenchOptions {
  readonly config: Config;
  readonly points: number;
  /** Spectra per step over all ranks. */
  readonly batchSize: number;
  /** Threads of all ranks together, and of the one rank that they are measured against. */
  readonly threads: number;
  readonly rounds: number;
  readonly steps: number;
  /** For the prediction. */
  readonly network: Network;
}

export interface ScaleBench {
  readonly ranks: number;
  readonly threads_per_rank: number;
  readonly batch: number;
  readonly points: number;
  readonly gradient_mb: number;
  readonly one_rank: { readonly threads: number; readonly samples_per_s: number; readonly seconds_per_step: Summary };
  readonly all_ranks: {
    readonly samples_per_s: number;
    readonly seconds_per_step: Summary;
    /** The part of a step in which the rank that came last waited for gradients: communication that nothing hid. */
    readonly communication_share: number;
    /** The same as a mean over ranks: waiting for slower ranks included. */
    readonly waiting_share: number;
  };
  /** All ranks over the one, in samples per second. */
  readonly ratio: number;
  /** Milliseconds to add all gradients with nothing else going on. */
  readonly allreduce_ms: { readonly ours: Summary; readonly library: Summary; readonly ratio: number };
  readonly model: {
    readonly fixed_ms: number;
    readonly ms_per_sample: number;
    readonly network: Network;
    readonly assumptions: readonly string[];
    readonly predictions: readonly Prediction[];
  };
}

/** Predicted with the batch of a rank that was measured, and with this one divided among all. */
const PREDICTED_RANKS = [8, 64, 512];
const WHOLE_BATCH = 1024;

/**
 * Measures on the ranks of `comm`; all of them call this, and get the result.
 *
 * Each round: steps of rank 0 alone with all threads, while the others sleep; steps of all ranks with their share of
 * threads and of the same batch; steps without communication; and sums of the gradients alone, ours and MPI's own.
 */
export async function benchScale(comm: Communicator, options: ScaleBenchOptions): Promise<ScaleBench> {
  const { config, points, batchSize, rounds, steps, network } = options;
  const threadsPerRank = Math.max(1, Math.floor(options.threads / comm.size));
  await selectEngine(config.engine, { threads: threadsPerRank, precision: config.precision });
  const model = createModel(config, points);
  const bench = new RankBench(comm, model, config);
  const whole = comm.rank === 0 ? randomExamples(model, points, batchSize) : null;
  const [first, last] = partOf(batchSize, { index: comm.rank, count: comm.size });
  const share = randomExamples(model, points, last - first);
  const half = { ...share, ...randomExamples(model, points, Math.max(1, share.size >> 1)) };
  const gradients = [...model.parameters.values()].map(({ size }) => new Float32Array(size));
  const contiguous = new Float32Array(model.parameterCount);

  const alone: number[] = [];
  const together: number[] = [];
  const computing: { batch: number; seconds: number }[] = [];
  const ours: number[] = [];
  const library: number[] = [];
  const warmUp = 1;
  const visible: number[] = [];
  let hideable = 0;
  for (let round = -warmUp; round < rounds; round++) {
    const isMeasured = round >= 0;
    await selectEngine(config.engine, { threads: options.threads, precision: config.precision });
    for (let step = 0; whole && step < (isMeasured ? steps : 1); step++) {
      const seconds = bench.alone(whole, divisionOf(batchSize, WHOLE));
      if (isMeasured) alone.push(seconds);
    }
    await comm.barrier();
    await selectEngine(config.engine, { threads: threadsPerRank, precision: config.precision });
    for (let step = 0; step < (isMeasured ? steps : 1); step++) {
      await comm.barrier();
      const times = await bench.together(share, divisionOf(batchSize, { index: comm.rank, count: comm.size }));
      if (!isMeasured) continue;
      together.push(times.seconds);
      visible.push(times.visible);
      hideable += times.hideable;
    }
    for (const examples of [share, half]) {
      await comm.barrier();
      const seconds = bench.alone(examples);
      if (isMeasured) computing.push({ batch: examples.size, seconds });
    }
    for (let repeat = 0; repeat < (isMeasured ? steps : 1); repeat++) {
      const [a, b] = [await timed(comm, gradients, "fast"), await timed(comm, [contiguous], "library")];
      if (!isMeasured) continue;
      ours.push(1000 * a);
      library.push(1000 * b);
    }
  }
  model.dispose();

  // The slowest rank is what a step takes; ranks meet in each, so that the mean over ranks tells the rest.
  const [visibleSum, hideableSum, togetherSum] = await orderedSum(
    comm,
    Float64Array.of(sum(visible), hideable, sum(together)),
  );
  const slowest = Float64Array.from(together);
  await comm.allreduce(slowest, "max");
  const least = Float64Array.from(visible, (seconds) => -seconds);
  await comm.allreduce(least, "max");
  const aloneSummary = summarize(alone.length > 0 ? alone : [0]);
  const togetherSummary = summarize([...slowest]);
  const fit = fitStep(computing);
  const oursSummary = summarize(ours);
  const librarySummary = summarize(library);
  const costs = {
    ...fit,
    hideableShare: hideableSum! / togetherSum!,
    gradientBytes: 4 * contiguous.length,
    machineBytesPerSecond: (4 * contiguous.length) / (oursSummary.median / 1000),
  };
  return {
    ranks: comm.size,
    threads_per_rank: threadsPerRank,
    batch: batchSize,
    points,
    gradient_mb: (4 * contiguous.length) / 1e6,
    one_rank: {
      threads: options.threads,
      samples_per_s: batchSize / aloneSummary.median,
      seconds_per_step: aloneSummary,
    },
    all_ranks: {
      samples_per_s: batchSize / togetherSummary.median,
      seconds_per_step: togetherSummary,
      communication_share: -sum([...least]) / sum([...slowest]),
      waiting_share: visibleSum! / togetherSum!,
    },
    ratio: aloneSummary.median / togetherSummary.median,
    allreduce_ms: { ours: oursSummary, library: librarySummary, ratio: oursSummary.median / librarySummary.median },
    model: {
      fixed_ms: 1000 * fit.fixedSeconds,
      ms_per_sample: 1000 * fit.secondsPerSample,
      network,
      assumptions: ASSUMPTIONS,
      predictions: PREDICTED_RANKS.flatMap((ranks) => [
        predict(costs, network, ranks, share.size),
        predict(costs, network, ranks, Math.max(1, Math.round(WHOLE_BATCH / ranks))),
      ]),
    },
  };
}

/** Optimizer steps of one rank, with and without the others. */
class RankBench {
  private readonly optimizer: Adam;
  private readonly reducer: GradientReducer;
  private step = 0;

  constructor(
    private readonly comm: Communicator,
    private readonly model: Model,
    private readonly config: Config,
  ) {
    this.optimizer = new Adam(model.parameters);
    this.reducer = new GradientReducer(comm, model.parameters, config.deterministic);
  }

  /** @returns seconds of a step that no other rank takes part in. */
  alone(examples: Examples, division?: PartDivision): number {
    const startedAt = performance.now();
    this.update(this.gradients(examples, division && { division }).tensors);
    return (performance.now() - startedAt) / 1000;
  }

  /** A step of all ranks: its seconds, those in which gradients alone were waited for, and those that could hide them. */
  async together(
    examples: Examples,
    division: PartDivision,
  ): Promise<{ seconds: number; visible: number; hideable: number }> {
    const { comm, model, reducer } = this;
    const visibleBefore = reducer.visibleSeconds;
    const hideableBefore = reducer.hideableSeconds;
    const startedAt = performance.now();
    const onGradient = (name: string, gradient: Tensor): void => reducer.add(name, gradient, division.position);
    const own = this.gradients(examples, { division, onGradient });
    const options = { isSent: true, isStopping: false };
    this.update((await shareGradients({ comm, model, reducer }, own, options)).tensors);
    return {
      seconds: (performance.now() - startedAt) / 1000,
      visible: reducer.visibleSeconds - visibleBefore,
      hideable: reducer.hideableSeconds - hideableBefore,
    };
  }

  private gradients(examples: Examples, how?: Pick<TrainingPass, "division" | "onGradient">) {
    const pass = { seed: this.config.seed, step: this.step++, ...how };
    return batchGradients(this.model, "sparse_categorical_crossentropy", examples, pass);
  }

  private update(tensors: Parameters<typeof applyGradients>[1]): void {
    const value = createSchedule(this.config, 1).at(0);
    applyGradients(this.optimizer, tensors, { value, clipNorm: this.config.clip_norm, divisor: 1 });
  }
}

async function timed(comm: Communicator, arrays: readonly Float32Array[], how: "fast" | "library"): Promise<number> {
  await comm.barrier();
  const startedAt = performance.now();
  await comm.allreduceBucket(arrays, how);
  return (performance.now() - startedAt) / 1000;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
