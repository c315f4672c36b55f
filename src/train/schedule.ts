/** Learning rate and Adam's first beta as functions of the number of schedule steps taken. */

import type { Config } from "../config";

/** What the optimizer uses for one step. */
export interface ScheduleValue {
  readonly learningRate: number;
  readonly beta1: number;
}

/** A schedule holds no state: a run that is restored asks for the step it goes on with. */
export interface Schedule {
  readonly kind: "one_cycle" | "constant";
  /** The steps after which the value no longer changes; Infinity when it never does. */
  readonly totalSteps: number;
  at(step: number): ScheduleValue;
}

export interface OneCycleOptions {
  readonly maxLearningRate: number;
  /** Steps of the whole cycle, warm-up and decay. */
  readonly totalSteps: number;
  /** The part of the cycle in which the learning rate rises. */
  readonly risingFraction?: number;
  /** First learning rate = maximum / this. */
  readonly initialDivisor?: number;
  /** Last learning rate = first learning rate / this. */
  readonly finalDivisor?: number;
  readonly minBeta1?: number;
  readonly maxBeta1?: number;
}

/**
 * The one-cycle policy (Smith & Topin 2019, Proc. SPIE 11006, 1100612) with cosine phases, digit for digit what
 * PyTorch's `OneCycleLR` gives at steps 0 .. totalSteps - 1. Unlike there, the last value is held past the end, where
 * PyTorch's cosine rises again for one step and then raises an error.
 *
 * @throws {RangeError} when `totalSteps` is not a positive integer.
 */
export function oneCycle(options: OneCycleOptions): Schedule {
  const { maxLearningRate, totalSteps, risingFraction = 0.3, initialDivisor = 25, finalDivisor = 1e4 } = options;
  const { minBeta1 = 0.85, maxBeta1 = 0.95 } = options;
  if (!Number.isInteger(totalSteps) || totalSteps < 1) {
    throw new RangeError(`Cannot make a one-cycle schedule: totalSteps must be a positive integer, not ${totalSteps}`);
  }
  const initial = maxLearningRate / initialDivisor;
  const final = initial / finalDivisor;
  const risingEnd = risingFraction * totalSteps - 1; // not floored, as in PyTorch
  const fallingEnd = totalSteps - 1;
  return {
    kind: "one_cycle",
    totalSteps,
    at(step) {
      if (step <= risingEnd) {
        const part = risingEnd > 0 ? step / risingEnd : 1;
        return {
          learningRate: annealByCosine(initial, maxLearningRate, part),
          beta1: annealByCosine(maxBeta1, minBeta1, part),
        };
      }
      const part = (Math.min(step, fallingEnd) - risingEnd) / (fallingEnd - risingEnd);
      return {
        learningRate: annealByCosine(maxLearningRate, final, part),
        beta1: annealByCosine(minBeta1, maxBeta1, part),
      };
    },
  };
}

/** The same learning rate at every step, with Adam's usual beta1. */
export function constant(learningRate: number, beta1 = 0.9): Schedule {
  return { kind: "constant", totalSteps: Number.POSITIVE_INFINITY, at: () => ({ learningRate, beta1 }) };
}

/**
 * The schedule of a config. One cycle spans all epochs: `num_epochs` times `steps_per_epoch`, where the latter defaults
 * to how often the schedule advances in an epoch.
 *
 * @param stepsPerEpoch optimizer steps of an epoch
 */
export function createSchedule(config: Config, stepsPerEpoch: number): Schedule {
  if (config.schedule === "constant") return constant(config.learning_rate);
  const advances = config.schedule_interval === "step" ? stepsPerEpoch : 1;
  const totalSteps = config.num_epochs * (config.steps_per_epoch ?? advances);
  return oneCycle({ maxLearningRate: config.max_lr, totalSteps });
}

/** How often the schedule has advanced when `step` optimizer steps and `epoch` epochs are completed. */
export function scheduleStep(config: Config, { step, epoch }: { step: number; epoch: number }): number {
  return config.schedule_interval === "step" ? step : epoch;
}

// The order of operations is PyTorch's: another one differs in the last digit.
function annealByCosine(start: number, end: number, part: number): number {
  const cosine = Math.cos(Math.PI * part) + 1;
  return end + ((start - end) / 2) * cosine;
}
