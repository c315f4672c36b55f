import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { mixedModePhase, mixingFunction, solveMixedModes } from "../../src/simulate/mixed-modes";
import type { PressureModeConstants } from "../../src/simulate/pressure-modes";
import { assertClose } from "../assert-close";
import { golden } from "./golden";

// The published check of the method: dnu 10.13, eps_p 0.207, d_1 -0.04, dp 76.7 s, eps_g 0.28, q 0.11, 100-140 µHz.
const PRESSURE: PressureModeConstants = {
  dnu: 10.13,
  epsilon: 0.207,
  curvature: 0,
  orderAtNumax: 11.6,
  shifts: [0, -0.04, -0.12, -0.24],
};
const GRAVITY = { periodSpacing: 76.7, epsilon: 0.28, coupling: 0.11 };
const EXPECTED = [
  [103.649696, 0.99076],
  [104.471898, 0.988848],
  [105.304599, 0.984141],
  [106.14388, 0.971584],
  [106.974904, 0.925954],
  [107.717843, 0.703874],
  [108.251482, 0.616658],
  [108.954347, 0.897637],
  [109.817065, 0.965181],
  [110.726422, 0.981708],
  [117.526502, 0.821486],
  [118.206035, 0.510475],
  [118.916691, 0.840084],
  [138.377819, 0.440396],
] as const;

test("the test vector comes out to 1e-6: frequencies, mixing and number of modes", () => {
  const modes = solveMixedModes(PRESSURE, GRAVITY, 100, 140);
  assert.equal(modes.frequencies.length, 41);
  for (const [frequency, zeta] of EXPECTED) {
    const index = modes.frequencies.findIndex((found) => Math.abs(found - frequency) < 0.01);
    assert.notEqual(index, -1, `no mode near ${frequency}`);
    assertClose(modes.frequencies[index]!, frequency, { atol: 1e-6 });
    assertClose(modes.zetas[index]!, zeta, { atol: 1e-6 });
  }
});

test("with curvature the test vector still has 41 modes", () => {
  const modes = solveMixedModes({ ...PRESSURE, curvature: 0.006 }, GRAVITY, 100, 140);
  assert.equal(modes.frequencies.length, 41);
  assertClose(modes.frequencies.subarray(0, 4), [100.490265, 101.259216, 102.043148, 102.840614], { atol: 1e-6 });
});

for (const [index, expected] of golden.mixed.entries()) {
  test(`every root that a scan with Brent's method finds, and no other (case ${index}, ${expected.frequencies.length} modes)`, () => {
    const pressure = {
      dnu: expected.dnu,
      epsilon: expected.epsilon,
      curvature: expected.curvature,
      orderAtNumax: expected.numax / expected.dnu - expected.epsilon,
      shifts: [0, expected.shift, 0, 0],
    };
    const gravity = { periodSpacing: expected.dp, epsilon: expected.epg, coupling: expected.q };
    const modes = solveMixedModes(pressure, gravity, expected.low, expected.high);
    assertClose(modes.frequencies, expected.frequencies, { rtol: 1e-11 });
    assertClose(modes.zetas, expected.zetas, { rtol: 1e-6, what: "zeta" });
  });
}

const arbitraryStar = fc.record({
  dnu: fc.double({ min: 1.5, max: 19, noNaN: true }),
  epp: fc.double({ min: 0, max: 1, noNaN: true }),
  curvature: fc.double({ min: 0, max: 0.05, noNaN: true }),
  dp: fc.double({ min: 40, max: 500, noNaN: true }),
  epg: fc.double({ min: 0, max: 1, noNaN: true }),
  q: fc.double({ min: 1e-4, max: 1, noNaN: true }),
});

test("each integer in the range of the phase has one root, and each root satisfies the implicit equation", () => {
  fc.assert(
    fc.property(arbitraryStar, ({ dnu, epp, curvature, dp, epg, q }) => {
      const numax = (dnu / 0.263) ** (1 / 0.77);
      const pressure = { dnu, epsilon: epp, curvature, orderAtNumax: numax / dnu - epp, shifts: [0, -0.044, 0, 0] };
      const gravity = { periodSpacing: dp, epsilon: epg, coupling: q };
      const low = Math.max(2, numax - 4 * dnu);
      const high = numax + 4 * dnu;
      const { frequencies, zetas, firstOrder } = solveMixedModes(pressure, gravity, low, high);
      const first = mixedModePhase(pressure, gravity, low);
      const last = mixedModePhase(pressure, gravity, high);
      assert.equal(frequencies.length, Math.floor(last) - Math.ceil(first) + 1);
      for (let index = 0; index < frequencies.length; index++) {
        const frequency = frequencies[index]!;
        assert.ok(frequency >= low && frequency <= high);
        assert.ok(index === 0 || frequency > frequencies[index - 1]!);
        assert.ok(zetas[index]! > 0 && zetas[index]! < 1);
        // The residual of the phase, allowing for its steepness in units of the root's own rounding.
        const error = 1e-11 * frequency;
        assert.ok(mixedModePhase(pressure, gravity, frequency - error) <= firstOrder + index + 1e-9);
        assert.ok(mixedModePhase(pressure, gravity, frequency + error) >= firstOrder + index - 1e-9);
      }
    }),
    { numRuns: 200 },
  );
});

test("the mixing function is the ratio of local and asymptotic period spacing", () => {
  const { frequencies, zetas } = solveMixedModes(PRESSURE, { ...GRAVITY, periodSpacing: 7.67 }, 100, 140);
  for (let index = 1; index < frequencies.length; index++) {
    const spacing = 1e6 / frequencies[index - 1]! - 1e6 / frequencies[index]!;
    assertClose(spacing / 7.67, (zetas[index]! + zetas[index - 1]!) / 2, { atol: 5e-3 });
  }
});

test("the mixing function is smooth where its textbook form is 0/0", () => {
  // At q = 1 and in between modes the limits are 1/(1 + 1/(qN)) and 1/(1 + q/N).
  const pure = 10.13 * (11 + 0.207 + 0.5 - 0.04);
  const density = 10.13 / (pure * pure * 76.7e-6);
  assertClose(mixingFunction(PRESSURE, GRAVITY, pure), 1 / (1 + 1 / (0.11 * density)), { rtol: 1e-9 });
  const between = pure + 10.13 / 2;
  const densityBetween = 10.13 / (between * between * 76.7e-6);
  assertClose(mixingFunction(PRESSURE, GRAVITY, between), 1 / (1 + 0.11 / densityBetween), { rtol: 1e-9 });
});

test("an empty range has no modes", () => {
  assert.equal(solveMixedModes(PRESSURE, GRAVITY, 120, 110).frequencies.length, 0);
});
