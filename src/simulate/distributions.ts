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

/** A phase in [0, 1). */
export function wrap(phase: number): number {
  return phase - Math.floor(phase);
}

/** The inclination of an axis of random direction, degrees: uniform in cos i. */
export function isotropicInclination(random: Random): number {
  return (Math.acos(random.uniform()) * 180) / Math.PI;
}

/** numax in µHz at a large separation: dnu = 0.263 numax^0.77 (Stello+ 2009, MNRAS 400 L80), inverted. */
export function stelloNumax(dnu: number): number {
  return (dnu / 0.263) ** (1 / 0.77);
}
