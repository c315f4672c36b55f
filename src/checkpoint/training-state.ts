/** Everything that a training run needs to go on exactly where it was, in plain arrays. */

import type { Config } from "../config";
import type { TorchDict } from "./torch-values";

/** A parameter of the network: shape and row-major values. */
export interface StateTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Adam's state; moments by parameter name, as many numbers as the parameter has. */
export interface OptimizerState {
  /** Updates taken. */
  readonly step: number;
  readonly firstMoments: ReadonlyMap<string, Float32Array>;
  readonly secondMoments: ReadonlyMap<string, Float32Array>;
  /** What the next update uses. */
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

/** A one-cycle schedule (PyTorch's `OneCycleLR` with cosine phases); the optional numbers default to PyTorch's. */
export interface OneCycleState {
  /** Schedule steps taken. */
  readonly step: number;
  readonly totalSteps: number;
  readonly maxLearningRate: number;
  /** Default: maximum / 25. */
  readonly initialLearningRate?: number;
  /** Default: initial / 10000. */
  readonly finalLearningRate?: number;
  /** Part of the cycle in which the learning rate rises; default 0.3. */
  readonly risingFraction?: number;
  /** Default 0.85. */
  readonly minBeta1?: number;
  /** Default 0.95. */
  readonly maxBeta1?: number;
}

/**
 * A run between two optimizer steps. Random numbers need no state of their own: shuffling and dropout are functions of
 * the seed, the epoch and the step.
 */
export interface TrainingState {
  /** Epochs completed. */
  readonly epoch: number;
  /** Optimizer steps since the run began. */
  readonly step: number;
  /** By PyTorch's names, in the order of the network's parameters. */
  readonly model: ReadonlyMap<string, StateTensor>;
  readonly optimizer: OptimizerState;
  /** null: a constant learning rate. */
  readonly scheduler: OneCycleState | null;
  /** Of the last completed epoch; null before there is one. */
  readonly trainLoss: number | null;
  /** Of the last validation; null before there is one. */
  readonly valLoss: number | null;
  /** The lowest validation loss so far and the epoch, counted from 1, that reached it. */
  readonly best: { readonly valLoss: number | null; readonly epoch: number | null };
  /** Validations since the best, for early stopping. */
  readonly epochsWithoutImprovement: number;
  /** The epoch in progress, counted from 0, and the position in its order of the next row to read. */
  readonly dataPosition: { readonly epoch: number; readonly start: number };
  /** Running sums and counters of the loop by name: partial loss of the epoch in progress, seconds of training, ... */
  readonly sums: Readonly<Record<string, number>>;
  readonly seed: number;
  /** Points of the spectra that the network takes. */
  readonly points: number;
  readonly config: Config;
  /** Of the data set ({@link Dataset.fingerprint}). */
  readonly fingerprint: string;
  readonly worldSize: number;
}

/** What a network is made from, besides its weights. */
export interface NetworkSettings {
  readonly config: Config;
  /** Points of the spectra that the network takes. */
  readonly points: number;
}

/** What a `.pth` file gives: weights always, the rest as far as it holds it. */
export interface LoadedCheckpoint {
  readonly path: string;
  /** Whether a manifest vouched for every byte; false for files that other programs wrote. */
  readonly verified: boolean;
  /** By PyTorch's names, without the prefix `module.` of data-parallel wrapping. */
  readonly model: ReadonlyMap<string, StateTensor>;
  readonly epoch: number | null;
  readonly trainLoss: number | null;
  readonly valLoss: number | null;
  /** null also where the file's optimizer is not an Adam over exactly these weights. */
  readonly optimizer: OptimizerState | null;
  /** null also where the file's schedule is not a cosine one-cycle. */
  readonly scheduler: OneCycleState | null;
  /** null unless Asterolab wrote the file. */
  readonly settings: NetworkSettings | null;
  /** Everything for exact resume; null unless Asterolab wrote the file during a run. */
  readonly state: TrainingState | null;
  /** What turns the network's scores into calibrated probabilities, as `saveWeights` was given it; null without. */
  readonly calibration: TorchDict | null;
}
