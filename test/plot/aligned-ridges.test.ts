/** The pair of dnu and epp is found again in simulated stars, where the intervals are wide and their middles are off. */

import assert from "node:assert/strict";
import test from "node:test";
import { PowerSums } from "../../src/classical/cells";
import { KEPLER_GRID, POINTS } from "../../src/data/grid";
import { alignRidges } from "../../src/plot/aligned-ridges";
import { pressureModeConstants, pressureModeFrequency } from "../../src/simulate/pressure-modes";
import { Simulator, starOf } from "../../src/simulate/simulate-star";
import { resolveStar, type StarSpec } from "../../src/simulate/star";

const STARS = [
  { dnu: 10.1, numax: 118, epp: 0.2, dp: 77, q: 0.12 },
  { dnu: 4.05, numax: 34, epp: 0.97, dp: 300, q: 0.25 },
  { dnu: 16.3, numax: 215, epp: 0.31, dp: 85, q: 0.14 },
];

/** The furthest that a radial mode within three orders of numax lies from its place, in dnu. */
function furthest(found: { dnu: number; epp: number }, star: StarSpec): number {
  const truth = pressureModeConstants(resolveStar(star));
  const own = pressureModeConstants(resolveStar({ ...star, ...found }));
  const middle = Math.round(truth.orderAtNumax);
  const turns = Math.round(star.epp - found.epp);
  const distances = [-3, -2, -1, 0, 1, 2, 3].map((place) => {
    const expected = pressureModeFrequency(truth, middle + place, 0);
    return Math.abs(pressureModeFrequency(own, middle + place + turns, 0) - expected) / star.dnu;
  });
  return Math.max(...distances);
}

test("ridges lie within a fiftieth of dnu of the modes, from intervals whose middles are more than a twentieth off", () => {
  for (const [index, parameters] of STARS.entries()) {
    const star = { ...starOf("population", { seed: 12 }), snr: 60, gamma: 0.1, ...parameters };
    const power = new Float64Array(POINTS);
    new Simulator().writeSpectrum(star, { seed: index }, power);
    const sums = new PowerSums(power, KEPLER_GRID);
    const flat = Float64Array.from(power, (value, bin) => {
      const frequency = KEPLER_GRID.firstFrequencyUHz + bin * KEPLER_GRID.stepUHz;
      const [low, high] = [Math.max(sums.lowUHz, frequency - star.dnu), Math.min(sums.highUHz, frequency + star.dnu)];
      return value / sums.mean(low, high);
    });
    const guess = { ...star, dnu: 1.004 * star.dnu, epp: star.epp + 0.04 };
    const within = {
      dnu: [0.994 * star.dnu, 1.01 * star.dnu],
      epp: [guess.epp - 0.09, guess.epp + 0.09],
    } as const;
    assert.ok(furthest(guess, star) > 0.05, `star ${index} starts ${furthest(guess, star)} off`);
    const found = alignRidges(guess, new PowerSums(flat, KEPLER_GRID), within);
    const distance = furthest(found, star);
    assert.ok(distance < 0.02, `star ${index}: ${JSON.stringify(found)}, ${distance} of dnu off`);
  }
});

test("without a spectrum about numax the prediction stays, and the answer never leaves the intervals", () => {
  const star = { ...starOf("population", { seed: 3 }), ...STARS[0]! };
  const within = { dnu: [10, 10.2], epp: [0.15, 0.25] } as const;
  const grid = { ...KEPLER_GRID, firstFrequencyUHz: 250, points: 100 };
  const elsewhere = new PowerSums(new Float64Array(100).fill(1), grid);
  assert.deepEqual(alignRidges(star, elsewhere, within), { dnu: star.dnu, epp: star.epp });
  const power = new Float64Array(POINTS);
  new Simulator().writeSpectrum({ ...star, epp: 0.6 }, { seed: 3 }, power);
  const found = alignRidges(star, new PowerSums(power, KEPLER_GRID), within);
  assert.ok(found.dnu >= 10 && found.dnu <= 10.2 && found.epp >= 0.15 && found.epp <= 0.25, JSON.stringify(found));
});
