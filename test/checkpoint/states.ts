/** A small training state whose numbers depend on a seed. */

import type { StateTensor, TrainingState } from "../../src/checkpoint/training-state";
import { PRESETS } from "../../src/config";
import { Random } from "../../src/random";

const SHAPES: readonly [string, readonly number[]][] = [
  ["conv1.weight", [4, 1, 5]],
  ["conv1.bias", [4]],
  ["linear.weight", [3, 8]],
];

export function stateOf(seed: number, changes: Partial<TrainingState> = {}): TrainingState {
  const random = new Random(seed);
  const noise = (shape: readonly number[]): Float32Array =>
    Float32Array.from({ length: shape.reduce((count, size) => count * size, 1) }, () => random.normal());
  const moments = (): Map<string, Float32Array> => new Map(SHAPES.map(([name, shape]) => [name, noise(shape)]));
  return {
    epoch: seed,
    step: 10 * seed,
    model: new Map<string, StateTensor>(SHAPES.map(([name, shape]) => [name, { shape, data: noise(shape) }])),
    optimizer: {
      step: 10 * seed,
      firstMoments: moments(),
      secondMoments: moments(),
      learningRate: 1,
      beta1: 0.95,
      beta2: 0.999,
      epsilon: 1e-8,
    },
    scheduler: {
      step: 10 * seed,
      totalSteps: 1000,
      maxLearningRate: 5e-4,
      initialLearningRate: 2e-5,
      finalLearningRate: 2e-9,
      risingFraction: 0.25,
      minBeta1: 0.85,
      maxBeta1: 0.95,
    },
    trainLoss: 1 / 3,
    valLoss: 2,
    best: { valLoss: 1.9, epoch: 2 },
    epochsWithoutImprovement: 1,
    dataPosition: { epoch: seed, start: 96 },
    sums: { loss: 0.1 + 0.2, rows: 96 },
    seed: 42,
    points: 128,
    config: PRESETS.compact,
    fingerprint: "ab12",
    worldSize: 2,
    ...changes,
  };
}
