/** The distributions that priors are made of. */

import type { Random } from "../random";

/** Repeats a draw until it lies in [low, high]: the distribution cut off there. */
export function within(low: number, high: number, draw: () => number): number {
  for (;;) {
    const value = draw();
    if (value >= low && value <= high) return value;
  }
}

export function normal(random: Random, mean: number, deviation: number): number {
  return mean + deviation * random.normal();
}

/** `deviation` is that of the natural logarithm. */
export function logNormal(random: Random, median: number, deviation: number): number {
  return median * Math.exp(deviation * random.normal());
}

export function logUniform(random: Random, low: number, high: number): number {
  return low * (high / low) ** random.uniform();
}

/** True with the given probability. */
export function chance(random: Random, probability: number): boolean {
  return random.uniform() < probability;
}
