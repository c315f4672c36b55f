/** The noise of a power spectrum: every bin is independently exponential about its limit (χ² with 2 degrees of freedom). */

import type { Random } from "../random";

/**
 * Draws an observed spectrum: P = -M ln U, U uniform in (0, 1), one draw per bin (Anderson+ 1990, ApJ 364 699).
 *
 * @param limit [points] the expected power M of each bin.
 * @param into receives the powers from `offset` on, all above 0.
 */
export function drawPower(limit: Float64Array, random: Random, into: Float32Array | Float64Array, offset = 0): void {
  for (let bin = 0; bin < limit.length; bin++) {
    into[offset + bin] = -limit[bin]! * Math.log((random.uint32() + 0.5) * 2 ** -32);
  }
}
