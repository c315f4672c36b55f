import assert from "node:assert/strict";
import test from "node:test";
import { frequencyOfBin, KEPLER_GRID, LONGEST_DAYS, POINTS, STEP_UHZ } from "../../src/data/grid";
import { Random } from "../../src/random";
import { drawGappedPower, gridOf, Observer } from "../../src/simulate/observation";
import { Simulator, starOf } from "../../src/simulate/simulate-star";
import { assertClose } from "../assert-close";

const mean = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

test("the grid of T days has the step 1/T and covers the network's grid", () => {
  assert.equal(gridOf(LONGEST_DAYS), KEPLER_GRID);
  assert.equal(gridOf(1470), KEPLER_GRID);
  for (const days of [27, 90, 365, 1100]) {
    const grid = gridOf(days);
    assertClose(grid.stepUHz, 1e6 / (days * 86400), { rtol: 1e-12 });
    assertClose(grid.firstFrequencyUHz / grid.stepUHz, Math.round(grid.firstFrequencyUHz / grid.stepUHz), {
      rtol: 1e-9,
    });
    const [low, high] = [0, POINTS - 1].map((bin) => frequencyOfBin(bin));
    assert.ok(grid.firstFrequencyUHz <= low! + grid.stepUHz / 2);
    assert.ok(frequencyOfBin(grid.points - 1, grid) >= high! - grid.stepUHz / 2);
  }
});

test("however long a star is observed, its mean power is that of its limit", () => {
  const source = { seed: 3, shard: 0, row: 4 };
  const star = starOf("population", source);
  const simulator = new Simulator();
  const limit = Float64Array.from(simulator.limitOf(star, simulator.modes(star, source)));
  const parts = (values: ArrayLike<number>): number[] =>
    Array.from({ length: 7 }, (_, part) => mean(Array.from(values).slice(5000 * part, 5000 * part + 5000)));
  for (const [days, rtol] of [
    [LONGEST_DAYS, 0.06],
    [400, 0.12],
    [40, 0.4],
  ] as const) {
    const observer = new Observer({ days: [days, days], gaps: 0 });
    const power = new Float32Array(POINTS);
    const sums = new Float64Array(POINTS);
    for (let draw = 0; draw < 8; draw++) {
      observer.writeSpectrum(star, source, new Random(11, draw), power);
      for (let bin = 0; bin < POINTS; bin++) sums[bin]! += power[bin]! / 8;
    }
    assertClose(parts(sums), parts(limit), { rtol });
  }
});

test("a short observation has wide bins: neighbours on the network's grid are alike", () => {
  const source = { seed: 3, shard: 0, row: 4 };
  const power = new Float32Array(POINTS);
  new Observer({ days: [30, 30], gaps: 0 }).writeSpectrum(starOf("population", source), source, new Random(1), power);
  let equal = 0;
  for (let bin = 1; bin < POINTS; bin++) if (power[bin] === power[bin - 1]) equal++;
  const bins = gridOf(30).stepUHz / STEP_UHZ; // of the network's, in one of 30 days
  assertClose(equal / POINTS, 1 - 2 / bins, { atol: 0.01 });
});

test("three in four stars are observed for the longest time, the others for any", () => {
  const source = { seed: 5, shard: 0, row: 1 };
  const star = starOf("population", source);
  const observer = new Observer({ days: [30, LONGEST_DAYS], gaps: 0 });
  let longest = 0;
  const power = new Float32Array(POINTS);
  for (let draw = 0; draw < 120; draw++) {
    observer.writeSpectrum(star, source, new Random(2, draw), power);
    if (power.every((value, bin) => bin === 0 || value !== power[bin - 1])) longest++;
  }
  assert.ok(longest > 75 && longest < 108, `${longest} of 120 have independent bins`);
});

test("gaps keep the mean power, correlate neighbours, and spread a line by the window's transform", () => {
  const points = 4000;
  const flat = new Float64Array(points).fill(2);
  const gaps = [{ start: 0.2, end: 0.6 }];
  const sums = { level: 0, near: 0 };
  const out = new Float64Array(points);
  for (let draw = 0; draw < 10; draw++) {
    drawGappedPower(flat, gaps, new Random(8, draw), out);
    sums.level += mean(out) / 10;
    const here = out.subarray(0, points - 1);
    const next = out.subarray(1);
    const products = Float64Array.from(here, (value, bin) => (value / 2 - 1) * (next[bin]! / 2 - 1));
    sums.near += mean(products) / 10;
  }
  assertClose(sums.level, 2, { rtol: 0.03 });
  // |sum of the window's transform at one bin|² / duty²: |sin(0.4 pi) / pi|² / 0.36 = 0.2546
  assertClose(sums.near, 0.2546, { atol: 0.06 });

  const line = new Float64Array(points);
  line[1000] = 1;
  const spread = new Float64Array(points);
  for (let draw = 0; draw < 2000; draw++) {
    drawGappedPower(line, gaps, new Random(9, draw), out);
    for (let bin = 990; bin <= 1010; bin++) spread[bin]! += out[bin]! / 2000;
  }
  const transform = (k: number): number => (k === 0 ? 0.6 : Math.sin(0.4 * Math.PI * k) / (Math.PI * k));
  for (const k of [0, 1, 2, 3]) {
    assertClose(spread[1000 + k]!, transform(k) ** 2 / 0.6, { rtol: 0.12, atol: 1e-4 });
  }
});
