/** Compares numbers or arrays of numbers within a tolerance; NaN and infinities must match exactly. */

import assert from "node:assert/strict";

/** An element passes when |actual - expected| <= atol + rtol |expected|; both are 0 when left out. */
export interface Tolerance {
  readonly rtol?: number;
  readonly atol?: number;
  /** Names what is compared in the message. */
  readonly what?: string;
}

/** @throws AssertionError that names the worst element when any element is outside the tolerance, or lengths differ. */
export function assertClose(
  actual: number | ArrayLike<number>,
  expected: number | ArrayLike<number>,
  { rtol = 0, atol = 0, what = "values" }: Tolerance = {},
): void {
  const actuals = typeof actual === "number" ? [actual] : actual;
  const expecteds = typeof expected === "number" ? [expected] : expected;
  assert.equal(actuals.length, expecteds.length, `${what}: lengths differ`);
  let worst = -1;
  let worstExcess = 1; // error in units of its bound
  let failures = 0;
  for (let index = 0; index < expecteds.length; index++) {
    const a = actuals[index]!;
    const e = expecteds[index]!;
    if (Object.is(a, e) || a === e) continue;
    const error = Math.abs(a - e);
    const bound = atol + rtol * Math.abs(e);
    // An infinite expectation has an infinite bound: nothing but itself is close to it.
    if (Number.isFinite(e) && error <= bound) continue;
    failures++;
    const excess =
      Number.isFinite(error) && bound > 0 && Number.isFinite(bound) ? error / bound : Number.POSITIVE_INFINITY;
    if (worst < 0 || excess > worstExcess) {
      worst = index;
      worstExcess = excess;
    }
  }
  if (worst < 0) return;
  const a = actuals[worst]!;
  const e = expecteds[worst]!;
  assert.fail(
    `${what}: ${failures} of ${expecteds.length} outside rtol ${rtol}, atol ${atol}; worst at index ${worst}: got ${a}, expected ${e}, difference ${a - e}`,
  );
}
