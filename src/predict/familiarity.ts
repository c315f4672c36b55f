/** Does a star look like those of the training set? A Gaussian around held-out simulations, and the distance from it. */

import type { FeatureName } from "./held-out";

/** A multivariate normal distribution and the distance beyond which a vector is unusual. */
export interface Neighbourhood {
  /** [size] */
  readonly mean: Float32Array;
  /** [size * size], lower triangular: the inverse Cholesky factor of the covariance. */
  readonly whitening: Float32Array;
  /** Squared Mahalanobis distance that a given part of the stars it was made from stays below. */
  readonly limit: number;
}

/** Added to the variances, in units of their mean: what keeps directions without scatter from deciding. */
const RIDGE = 1e-4;

/**
 * Fits mean and covariance to vectors and takes the limit from their own distances, each measured from the fit to all
 * others (updated by Sherman & Morrison's formula, so that nothing is fitted twice).
 *
 * @param values [rows * size]
 * @param rows those to fit to
 * @param share of the rows that lies within the limit
 * @returns null where there are fewer than 4 rows per dimension: too few for a covariance.
 */
export function fitNeighbourhood(
  values: Float32Array,
  size: number,
  rows: Uint32Array,
  share: number,
): Neighbourhood | null {
  const count = rows.length;
  if (count < 4 * size) return null;
  const mean = new Float64Array(size);
  for (const row of rows) for (let i = 0; i < size; i++) mean[i]! += values[row * size + i]! / count;
  const covariance = new Float64Array(size * size);
  const centred = new Float64Array(size);
  for (const row of rows) {
    for (let i = 0; i < size; i++) centred[i] = values[row * size + i]! - mean[i]!;
    for (let i = 0; i < size; i++) {
      for (let j = 0; j <= i; j++) covariance[i * size + j]! += (centred[i]! * centred[j]!) / (count - 1);
    }
  }
  let trace = 0;
  for (let i = 0; i < size; i++) trace += covariance[i * size + i]!;
  for (let i = 0; i < size; i++) covariance[i * size + i]! += (RIDGE * trace) / size + Number.MIN_VALUE;
  const fitted = { mean: Float32Array.from(mean), whitening: Float32Array.from(inverseCholesky(covariance, size)) };
  const distances = Float64Array.from(rows, (row) => {
    const inside = distanceFrom(fitted, values.subarray(row * size, (row + 1) * size));
    const left = 1 - (count * inside) / (count - 1) ** 2;
    return left > 0 ? (inside * (count / (count - 1)) ** 2 * ((count - 2) / (count - 1))) / left : Infinity;
  }).sort();
  return { ...fitted, limit: distances[Math.min(count - 1, Math.floor(share * count))]! };
}

/** Whether one of a star's vectors lies beyond the limit of its neighbourhood. */
export function isUnusual(
  { familiarity }: { readonly familiarity: ReadonlyMap<FeatureName, Neighbourhood> },
  vectors: Readonly<Record<FeatureName, Float32Array>>,
): boolean {
  return [...familiarity].some(([name, known]) => distanceFrom(known, vectors[name]) > known.limit);
}

/** The squared Mahalanobis distance of a vector [size]. */
export function distanceFrom(
  { mean, whitening }: Pick<Neighbourhood, "mean" | "whitening">,
  vector: Float32Array,
): number {
  const size = mean.length;
  let distance = 0;
  for (let i = 0; i < size; i++) {
    let projection = 0;
    for (let j = 0; j <= i; j++) projection += whitening[i * size + j]! * (vector[j]! - mean[j]!);
    distance += projection * projection;
  }
  return distance;
}

/** L⁻¹ of the symmetric positive matrix L Lᵀ, given by its lower triangle: [size * size]. */
function inverseCholesky(matrix: Float64Array, size: number): Float64Array {
  const factor = matrix.slice();
  for (let j = 0; j < size; j++) {
    for (let i = j; i < size; i++) {
      let sum = factor[i * size + j]!;
      for (let k = 0; k < j; k++) sum -= factor[i * size + k]! * factor[j * size + k]!;
      factor[i * size + j] = i === j ? Math.sqrt(sum) : sum / factor[j * size + j]!;
    }
  }
  const inverse = new Float64Array(size * size);
  for (let j = 0; j < size; j++) {
    inverse[j * size + j] = 1 / factor[j * size + j]!;
    for (let i = j + 1; i < size; i++) {
      let sum = 0;
      for (let k = j; k < i; k++) sum -= factor[i * size + k]! * inverse[k * size + j]!;
      inverse[i * size + j] = sum / factor[i * size + i]!;
    }
  }
  return inverse;
}
