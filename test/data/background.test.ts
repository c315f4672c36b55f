import assert from "node:assert/strict";
import test from "node:test";
import { BackgroundEstimator } from "../../src/data/background";
import { Random } from "../../src/random";
import { assertClose } from "../assert-close";

const POINTS = 11897;
const FIRST_BIN = 97;

/** Mean of three exponential deviates times `level` of the bin. */
function noisy(seed: number, level: (bin: number) => number): Float32Array {
  const random = new Random(seed);
  const deviate = (): number => -Math.log(random.uniform());
  return Float32Array.from({ length: POINTS }, (_, bin) => (level(bin) * (deviate() + deviate() + deviate())) / 3);
}

/** Means of a spectrum over parts of 500 bins. */
function means(power: Float32Array): number[] {
  return Array.from({ length: Math.floor(POINTS / 500) }, (_, part) => {
    const values = power.subarray(500 * part, 500 * part + 500);
    return values.reduce((sum, value) => sum + value, 0) / 500;
  });
}

// The 0.3 quantile of the mean of three exponential deviates: scipy.stats.gamma.ppf(0.3, 3) / 3 = 0.637920...
const QUANTILE = 0.6379;

test("granulation over four decades is divided out to 15 %, 20 % where the last window ends", () => {
  const power = noisy(1, (bin) => 3 + 20000 / (1 + ((bin + FIRST_BIN) / 1500) ** 4));
  new BackgroundEstimator(POINTS, FIRST_BIN).divide(power, 1e-6);
  const levels = means(power);
  assertClose(levels.slice(0, 20), new Array(20).fill(1 / QUANTILE), { rtol: 0.15 });
  assertClose(levels.slice(20), new Array(3).fill(1 / QUANTILE), { rtol: 0.2 });
});

test("a spectrum and the same one divided by its background give the same to 15 % where it is steepest, peaks included", () => {
  const background = (bin: number): number => 3 + 20000 / (1 + ((bin + FIRST_BIN) / 1500) ** 4);
  const peaks = (bin: number): number => 1 + 30 / (1 + (((bin % 170) - 85) / 3) ** 2);
  const raw = noisy(2, (bin) => background(bin) * peaks(bin));
  const divided = raw.map((value, bin) => value / background(bin));
  const estimator = new BackgroundEstimator(POINTS, FIRST_BIN);
  estimator.divide(raw, 1e-6);
  estimator.divide(divided, 1e-6);
  assertClose(means(raw), means(divided), { rtol: 0.15 });
  const tallest = Math.max(...raw);
  assert.ok(tallest > 30, `the peaks of height 31 keep theirs: the tallest bin has ${tallest}`);
});

test("the result does not depend on the unit of the power", () => {
  const power = noisy(3, () => 1);
  const scaled = power.map((value) => 1024 * value);
  const estimator = new BackgroundEstimator(POINTS, FIRST_BIN);
  estimator.divide(power, 1e-9);
  estimator.divide(scaled, 1024e-9);
  assertClose(scaled, power, { rtol: 1e-5 });
});

test("a stretch of zeros is divided by the least level", () => {
  const power = noisy(4, () => 1).fill(0, 4000, 9000);
  new BackgroundEstimator(POINTS, FIRST_BIN).divide(power, 1e-3);
  assert.ok(power.every(Number.isFinite));
  assert.equal(power[6000], 0);
});

test("spectra of any length have windows, from one bin on", () => {
  for (const points of [1, 2, 40, 100, 5000]) {
    const power = new Float32Array(points).fill(7);
    new BackgroundEstimator(points, 0).divide(power, 1e-6);
    assertClose(power, new Array(points).fill(1), { rtol: 1e-6 });
  }
});
