/** Powers on one even grid -> powers on another, each bin a box as wide as its step. */

import { frequencyOfBin, type Grid } from "./grid";

/**
 * Each bin of `to` takes the mean of the boxes of `from`, weighted by their overlap: what a spectrum with wider steps
 * looks like on a finer grid, and one with narrower steps on a coarser one. Power integrated over frequency is conserved.
 *
 * @param power [from.points]; the bins of `from` reach over those of `to` at both ends
 * @param out receives the powers from `offset` on: [to.points]
 */
export function rebinPower(
  power: Float64Array,
  from: Grid,
  to: Grid,
  out: Float32Array | Float64Array,
  offset = 0,
): void {
  const ratio = to.stepUHz / from.stepUHz;
  // In bins of `from`, whose bin k reaches from k to k + 1.
  const start = (frequencyOfBin(0, to) - to.stepUHz / 2 - from.firstFrequencyUHz) / from.stepUHz + 0.5;
  const last = from.points - 1;
  for (let bin = 0; bin < to.points; bin++) {
    const low = start + bin * ratio;
    const high = low + ratio;
    const first = Math.floor(low);
    const end = Math.floor(high);
    let sum = 0;
    for (let box = first; box <= end; box++) {
      const part = Math.min(high, box + 1) - Math.max(low, box);
      if (part > 0) sum += part * power[Math.min(last, Math.max(0, box))]!;
    }
    out[offset + bin] = sum / ratio;
  }
}
