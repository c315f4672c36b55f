/** How well the classical estimators read the same stars: what a network is compared with. */

import { ClassicalEstimator } from "../classical";
import type { Dataset } from "../data/dataset";
import type { Grid } from "../data/grid";
import { median } from "../data/median";

/** Of the stars that are detected. */
export interface ClassicalScores {
  /** The part of all stars in which a comb is found. */
  readonly detected: number;
  readonly dnu: ClassicalErrors;
  readonly numax: ClassicalErrors;
}

export interface ClassicalErrors {
  readonly mae: number;
  readonly median_relative_error: number;
  readonly within_3_percent: number;
  readonly within_5_percent: number;
}

/**
 * Estimates dnu and numax of every star of a data set without the network.
 *
 * @returns null where the data set has neither label, or no star is detected.
 * @throws {DataError} when a row cannot be read.
 */
export async function assessClassical(
  dataset: Dataset,
  grid: Grid,
  onProgress?: (done: number) => void,
): Promise<ClassicalScores | null> {
  const [dnu, numax] = [dataset.heads.indexOf("dnu"), dataset.heads.indexOf("numax")];
  if (dnu < 0 || numax < 0) return null;
  const estimator = new ClassicalEstimator();
  const pairs = { dnu: [] as [number, number][], numax: [] as [number, number][] };
  for (let row = 0; row < dataset.rows; row++) {
    const estimate = estimator.estimate(await dataset.power(row), grid);
    if (estimate.isDetected) {
      const values = dataset.values(row);
      pairs.dnu.push([estimate.dnu, values[dnu]!]);
      pairs.numax.push([estimate.numax, values[numax]!]);
    }
    onProgress?.(row + 1);
  }
  if (pairs.dnu.length === 0) return null;
  return { detected: pairs.dnu.length / dataset.rows, dnu: errorsOf(pairs.dnu), numax: errorsOf(pairs.numax) };
}

function errorsOf(pairs: readonly (readonly [number, number])[]): ClassicalErrors {
  const relative = Float64Array.from(pairs, ([estimate, value]) => Math.abs(estimate / value - 1));
  const share = (limit: number): number => relative.filter((error) => error <= limit).length / pairs.length;
  return {
    mae: pairs.reduce((sum, [estimate, value]) => sum + Math.abs(estimate - value), 0) / pairs.length,
    median_relative_error: median(relative),
    within_3_percent: share(0.03),
    within_5_percent: share(0.05),
  };
}
