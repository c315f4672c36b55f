/** Medians and spreads of repeated measurements. */

import { median } from "../data/median";

/** Repeated measurements in short. */
export interface Summary {
  readonly median: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly count: number;
}

/** @param values times, speeds and other numbers that are not negative */
export function summarize(values: readonly number[]): Summary {
  return {
    median: median(Float64Array.from(values)),
    minimum: Math.min(...values),
    maximum: Math.max(...values),
    count: values.length,
  };
}
