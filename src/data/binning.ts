/** From continuous labels to classes: `digitize` as NumPy's, and the original's `scale_parameter` and `categorize`. */

/**
 * The index of the bin each value falls into, as `numpy.digitize(values, edges)`: i where edges[i-1] <= value < edges[i],
 * 0 below the first edge, `edges.length` at or above the last one and for NaN. Comparisons are in float64, so float32
 * values are met as they are, without rounding the edges. Descending edges are taken as NumPy takes them:
 * edges[i-1] > value >= edges[i].
 *
 * @param values [n]
 * @returns [n]
 * @throws {RangeError} when the edges neither ascend nor descend.
 */
export function digitize(values: ArrayLike<number>, edges: ArrayLike<number>): Int32Array {
  const isDescending = edges.length > 1 && edges[edges.length - 1]! < edges[0]!;
  const ascending = Float64Array.from(edges);
  if (isDescending) ascending.reverse();
  checkMonotonic(ascending);
  const bins = new Int32Array(values.length);
  for (let index = 0; index < values.length; index++) {
    const upper = upperBound(ascending, values[index]!);
    bins[index] = isDescending ? ascending.length - upper : upper;
  }
  return bins;
}

/** `digitize` of one value against edges known to ascend. */
export function digitizeValue(value: number, edges: Float64Array): number {
  return upperBound(edges, value);
}

/**
 * Scales values to [0, 1]: (a - min) / (max - min).
 *
 * @throws {RangeError} when a value is not finite, or all are equal, so that no scale exists.
 */
export function scaleParameter(a: ArrayLike<number>): Float64Array {
  let minimum = Infinity;
  let maximum = -Infinity;
  for (let index = 0; index < a.length; index++) {
    const value = a[index]!;
    if (!Number.isFinite(value)) {
      throw new RangeError(`Cannot scale a parameter: value ${index} is ${value}, expected a finite number`);
    }
    minimum = Math.min(minimum, value);
    maximum = Math.max(maximum, value);
  }
  if (!(maximum > minimum)) {
    const state = a.length === 0 ? "it has no values" : `all values are ${minimum}`;
    throw new RangeError(`Cannot scale a parameter: ${state}, expected at least two different ones`);
  }
  const scaled = new Float64Array(a.length);
  for (let index = 0; index < a.length; index++) scaled[index] = (a[index]! - minimum) / (maximum - minimum);
  return scaled;
}

/**
 * Cuts a scaled parameter into `numCl` classes of equal width: floor(par * numCl), where 1 falls into the last class.
 *
 * @throws {RangeError} when a value lies outside [0, 1] or the class count is not a positive integer.
 */
export function categorize(par: ArrayLike<number>, numCl: number): Int32Array {
  if (!Number.isInteger(numCl) || numCl < 1) {
    throw new RangeError(`Cannot categorize into ${numCl} classes: expected a positive integer`);
  }
  const classes = new Int32Array(par.length);
  for (let index = 0; index < par.length; index++) {
    const value = par[index]!;
    if (!(value >= 0 && value <= 1)) {
      throw new RangeError(`Cannot categorize value ${index}: it is ${value}, expected a scaled parameter in [0, 1]`);
    }
    classes[index] = Math.min(Math.floor(value * numCl), numCl - 1);
  }
  return classes;
}

/** The number of elements that are not greater than `value`; NaN sorts behind everything. */
function upperBound(ascending: Float64Array, value: number): number {
  if (Number.isNaN(value)) return ascending.length;
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function checkMonotonic(edges: Float64Array): void {
  for (let index = 1; index < edges.length; index++) {
    if (!(edges[index]! >= edges[index - 1]!)) {
      throw new RangeError(
        `Cannot digitize: edges must ascend or descend throughout, but edge ${index} is out of order (${edges[index]})`,
      );
    }
  }
}
