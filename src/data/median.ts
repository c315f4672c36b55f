/** The median of many non-negative numbers, in time proportional to their count. */

/**
 * The median as NumPy defines it: the middle value, or the mean of the two middle ones. The values are left as they are.
 *
 * The bits of a non-negative float32, read as an integer, sort as the number does. A histogram over the leading bits
 * finds the narrow class the median lies in, and only that class is searched by quickselect (Hoare 1961, CACM 4, 321).
 *
 * @param values [n], not negative and not NaN
 * @returns NaN for no values
 */
export function median(values: Float32Array | Float64Array): number {
  const { length } = values;
  if (length === 0) return Number.NaN;
  const upperRank = length >>> 1;
  const lowerRank = length % 2 === 0 ? upperRank - 1 : upperRank;
  const bits = float32Bits(values);
  const counts = new Uint32Array(2 ** (31 - SHIFT));
  for (let index = 0; index < length; index++) counts[(bits[index]! & MAGNITUDE) >>> SHIFT]!++;
  let first = 0;
  let below = 0;
  while (below + counts[first]! <= lowerRank) below += counts[first++]!;
  // Both middle values almost always share a bin; otherwise the candidates reach to the bin of the upper one.
  let last = first;
  let through = below + counts[first]!;
  while (through <= upperRank) through += counts[++last]!;
  const candidates = new Float64Array(through - below);
  let filled = 0;
  for (let index = 0; index < length; index++) {
    const bin = (bits[index]! & MAGNITUDE) >>> SHIFT;
    if (bin >= first && bin <= last) candidates[filled++] = values[index]!;
  }
  const upper = select(candidates, upperRank - below);
  if (lowerRank === upperRank) return upper;
  // Left of a selected element lie the smaller ones.
  let lower = -Infinity;
  for (let index = 0; index < upperRank - below; index++) lower = Math.max(lower, candidates[index]!);
  return (lower + upper) / 2;
}

/** Bits of a float32 that are dropped to find its bin: the exponent and 4 bits of the mantissa remain. */
const SHIFT = 19;

/** All bits but the sign, which a zero may carry. */
const MAGNITUDE = 0x7fffffff;

/** Float64 values are rounded, which keeps their order from bin to bin. */
function float32Bits(values: Float32Array | Float64Array): Uint32Array {
  const rounded = values instanceof Float32Array ? values : Float32Array.from(values);
  return new Uint32Array(rounded.buffer, rounded.byteOffset, rounded.length);
}

/** Reorders the values until the one of the given rank is in its place, the smaller ones before it; returns it. */
export function select(values: Float64Array, rank: number): number {
  let left = 0;
  let right = values.length - 1;
  while (left < right) {
    const pivot = values[(left + right) >>> 1]!;
    let low = left;
    let high = right;
    while (low <= high) {
      while (values[low]! < pivot) low++;
      while (values[high]! > pivot) high--;
      if (low <= high) {
        const kept = values[low]!;
        values[low++] = values[high]!;
        values[high--] = kept;
      }
    }
    if (rank <= high) right = high;
    else if (rank >= low) left = low;
    else break;
  }
  return values[rank]!;
}
