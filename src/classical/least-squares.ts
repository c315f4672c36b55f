/** Non-linear least squares for a handful of parameters (Levenberg 1944; Marquardt 1963, J. SIAM 11, 431). */

export interface LeastSquares {
  readonly parameters: Float64Array;
  /** Sum of squared residuals. */
  readonly sum: number;
}

const STEPS = 60;

/**
 * Minimises the sum of squared residuals from `start` on; derivatives are differences.
 *
 * @param residuals writes the residuals for some parameters
 * @param count of residuals
 */
export function leastSquares(
  residuals: (parameters: Float64Array, out: Float64Array) => void,
  count: number,
  start: ArrayLike<number>,
): LeastSquares {
  const size = start.length;
  let parameters = Float64Array.from(start);
  let here = new Float64Array(count);
  let there = new Float64Array(count);
  const columns = Array.from({ length: size }, () => new Float64Array(count));
  residuals(parameters, here);
  let sum = squares(here);
  let damping = 1e-3;
  for (let step = 0; step < STEPS; step++) {
    for (let i = 0; i < size; i++) {
      const moved = parameters.slice();
      const change = 1e-5 * Math.max(1e-3, Math.abs(parameters[i]!));
      moved[i]! += change;
      residuals(moved, columns[i]!);
      for (let k = 0; k < count; k++) columns[i]![k] = (columns[i]![k]! - here[k]!) / change;
    }
    const matrix = columns.map((a) => columns.map((b) => dot(a, b)));
    const gradient = columns.map((a) => -dot(a, here));
    let isBetter = false;
    while (!isBetter && damping < 1e8) {
      const damped = matrix.map((row, i) => row.map((value, j) => (i === j ? value * (1 + damping) + 1e-12 : value)));
      const next = parameters.map((value, i) => value + solve(damped, gradient)[i]!);
      residuals(next, there);
      const nextSum = squares(there);
      isBetter = nextSum < sum;
      if (isBetter) {
        const isDone = sum - nextSum < 1e-7 * sum;
        [parameters, here, there, sum] = [next, there, here, nextSum];
        damping = Math.max(1e-9, damping / 5);
        if (isDone) return { parameters, sum };
      } else damping *= 4;
    }
    if (!isBetter) break;
  }
  return { parameters, sum };
}

/** Gaussian elimination with pivoting: x with `matrix` x = `right`. */
export function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]!]);
  const size = rows.length;
  for (let i = 0; i < size; i++) {
    let pivot = i;
    for (let k = i + 1; k < size; k++) if (Math.abs(rows[k]![i]!) > Math.abs(rows[pivot]![i]!)) pivot = k;
    [rows[i], rows[pivot]] = [rows[pivot]!, rows[i]!];
    for (let k = i + 1; k < size; k++) {
      const factor = rows[k]![i]! / rows[i]![i]!;
      for (let j = i; j <= size; j++) rows[k]![j]! -= factor * rows[i]![j]!;
    }
  }
  const x = new Array<number>(size).fill(0);
  for (let i = size - 1; i >= 0; i--) {
    let value = rows[i]![size]!;
    for (let j = i + 1; j < size; j++) value -= rows[i]![j]! * x[j]!;
    x[i] = value / rows[i]![i]!;
  }
  return x;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k]! * b[k]!;
  return sum;
}

function squares(values: Float64Array): number {
  return dot(values, values);
}
