/** Powers on one frequency grid -> powers on another, each bin a box as wide as its step. */

import { frequencyOfBin, type Grid } from "./grid";

/**
 * Each bin of `to` takes the mean of the boxes of `from`, weighted by their overlap: what a spectrum with wider steps
 * looks like on a finer grid, and one with narrower steps on a coarser one. Power integrated over frequency is conserved.
 * Bins of `to` of which boxes cover half or less are left as they are.
 *
 * @param frequencyUHz [n], ascending, in steps of `stepUHz` with or without gaps
 * @param power [n]
 * @param out receives the powers: [to.points]
 */
export function rebinPower(
  frequencyUHz: Float64Array,
  power: Float64Array,
  stepUHz: number,
  to: Grid,
  out: Float32Array | Float64Array,
): void {
  const half = stepUHz / 2;
  let first = 0;
  for (let bin = 0; bin < to.points; bin++) {
    const center = frequencyOfBin(bin, to);
    const low = center - to.stepUHz / 2;
    const high = center + to.stepUHz / 2;
    while (first < frequencyUHz.length && frequencyUHz[first]! + half <= low) first++;
    let overlap = 0;
    let sum = 0;
    for (let box = first; box < frequencyUHz.length; box++) {
      const start = frequencyUHz[box]! - half;
      if (start >= high) break;
      const part = Math.min(high, start + stepUHz) - Math.max(low, start);
      overlap += part;
      sum += part * power[box]!;
    }
    if (overlap > to.stepUHz / 2) out[bin] = sum / overlap;
  }
}
