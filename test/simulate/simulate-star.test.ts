import assert from "node:assert/strict";
import test from "node:test";
import { KEPLER_GRID } from "../../src/data/grid";
import { labelColumns, Simulator, simulateStar, starOf } from "../../src/simulate";
import { background } from "../../src/simulate/background";
import { assertClose } from "../assert-close";
import { BRANCH_STAR, CLUMP_STAR } from "./stars";

test("a star is a function of seed, shard and row alone, whatever was simulated before", () => {
  const fresh = simulateStar({ prior: "population" }, { seed: 7, shard: 2, row: 5 });
  const simulator = new Simulator();
  const into = new Float64Array(KEPLER_GRID.points);
  for (const row of [4, 5]) {
    const source = { seed: 7, shard: 2, row };
    simulator.writeSpectrum(starOf("population", source), source, into);
  }
  assert.deepEqual(into, fresh.spectrum);
});

test("another seed, shard or row is another star with other noise", () => {
  const base = { seed: 7, shard: 2, row: 5 };
  const first = simulateStar({ prior: "population" }, base);
  for (const change of [{ seed: 8 }, { shard: 3 }, { row: 6 }]) {
    const other = simulateStar({ prior: "population" }, { ...base, ...change });
    assert.notEqual(other.star.dnu, first.star.dnu);
    assert.notEqual(other.spectrum[100]! / other.limit[100]!, first.spectrum[100]! / first.limit[100]!);
  }
});

test("seed, shard and row do not stand in for each other", () => {
  const values = new Set<number>();
  for (let seed = 0; seed < 4; seed++) {
    for (let shard = 0; shard < 4; shard++) {
      for (let row = 0; row < 4; row++) values.add(starOf("flat", { seed, shard, row }).dnu);
    }
  }
  assert.equal(values.size, 64);
});

test("the spectrum is the limit times noise of mean 1", () => {
  const { limit, spectrum } = simulateStar(BRANCH_STAR, { seed: 1 });
  assert.equal(spectrum.length, 35692);
  const ratio = spectrum.reduce((sum, power, bin) => sum + power / limit[bin]!, 0) / spectrum.length;
  assertClose(ratio, 1, { atol: 4 / Math.sqrt(35692) });
  assert.ok(spectrum.every((power) => power > 0));
});

test("the limit is the background plus the power of the modes", () => {
  const { star, modes, limit } = simulateStar(CLUMP_STAR, { seed: 1 });
  let excess = 0;
  for (let bin = 0; bin < limit.length; bin++) {
    const frequency = KEPLER_GRID.firstFrequencyUHz + bin * KEPLER_GRID.stepUHz;
    const level = background(star, frequency, 283.21);
    assert.ok(limit[bin]! >= level * (1 - 1e-12));
    excess += (limit[bin]! - level) * KEPLER_GRID.stepUHz;
  }
  const power = modes.reduce((sum, { height, widthUHz }) => sum + (Math.PI / 2) * height * widthUHz, 0);
  assertClose(excess, power, { rtol: 3e-3 });
});

test("the limit stands at snr + 1 times the background at the tallest radial mode", () => {
  const { star, modes, limit } = simulateStar({ ...BRANCH_STAR, vl1: 0, vl2: 0, vl3: 0 }, { seed: 2 });
  const ratios = modes
    .filter(({ degree }) => degree === 0)
    .map(({ frequencyUHz }) => {
      const bin = Math.round((frequencyUHz - KEPLER_GRID.firstFrequencyUHz) / KEPLER_GRID.stepUHz);
      return limit[bin]! / background(star, frequencyUHz, 283.21);
    });
  assertClose(Math.max(...ratios), star.snr + 1, { rtol: 0.02 }); // a bin's mean is a little below the peak
});

test("another grid is another observation: the same modes in wider bins", () => {
  const grid = { points: 5000, firstFrequencyUHz: 5, stepUHz: 0.05 };
  const short = simulateStar(BRANCH_STAR, { seed: 3 }, { grid });
  const long = simulateStar(BRANCH_STAR, { seed: 3 });
  assert.equal(short.spectrum.length, 5000);
  const power = (values: Float64Array, first: number, step: number): number =>
    values.reduce((sum, value, bin) => {
      const frequency = first + bin * step;
      return frequency > 60 && frequency < 180 ? sum + value * step : sum;
    }, 0);
  assertClose(power(short.limit, 5, 0.05), power(long.limit, KEPLER_GRID.firstFrequencyUHz, KEPLER_GRID.stepUHz), {
    rtol: 2e-3,
  });
});

test("labels come with the star", () => {
  const { star, labels } = simulateStar({ prior: "reference" }, { seed: 3, row: 2 });
  assert.deepEqual(labels, labelColumns(star));
});

test("parameters that describe no star are refused", () => {
  assert.throws(() => simulateStar({ ...BRANCH_STAR, q: 2 }, { seed: 1 }), {
    name: "RangeError",
    message: "Cannot simulate a star with q = 2: expected 0 < q <= 1",
  });
});
