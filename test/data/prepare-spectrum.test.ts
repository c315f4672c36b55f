import assert from "node:assert/strict";
import test from "node:test";
import { median } from "../../src/data/median";
import { MEDIAN_FLOOR, prepareSpectrum, RAW_FLOOR, SpectrumPreparer } from "../../src/data/prepare-spectrum";
import { Random } from "../../src/random";
import { assertClose } from "../assert-close";

const location = { path: "star.txt" };

function medianBySorting(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

test("the median equals that of the sorted values for every length, with ties, zeros and wide ranges", () => {
  const random = new Random(3);
  for (let length = 1; length < 60; length++) {
    const kinds = [
      () => -Math.log(random.uniform()),
      () => random.integer(4),
      () => 10 ** random.between(-30, 30),
      () => (random.uniform() < 0.45 ? 0 : random.uniform()),
      () => (random.uniform() < 0.5 ? 1 : 1e6),
    ];
    for (const kind of kinds) {
      const values = Float64Array.from({ length }, kind);
      assert.equal(median(values), medianBySorting(values), `float64, ${length} values`);
      const rounded = Float32Array.from(values);
      assert.equal(median(rounded), medianBySorting(rounded), `float32, ${length} values`);
    }
  }
  assert.ok(median(Float32Array.of(-0, 0, 5)) === 0, "a negative zero counts as zero");
  assert.ok(Number.isNaN(median(new Float32Array(0))));
});

test("a spectrum is divided by its median and lifted to the floor", () => {
  const out = new Float32Array(5);
  prepareSpectrum(Float64Array.of(4, 0, 2, 1e-9, 8), out, "median", location);
  assertClose(out, [2, MEDIAN_FLOOR, 1, MEDIAN_FLOOR, 4], { rtol: 1e-7 });
});

test("the result does not depend on the unit of the power", () => {
  const random = new Random(5);
  const power = Float64Array.from({ length: 1001 }, () => -Math.log(random.uniform()));
  const [plain, scaled] = [new Float32Array(1001), new Float32Array(1001)];
  prepareSpectrum(power, plain, "median", location);
  prepareSpectrum(
    power.map((value) => value * 3.7e5),
    scaled,
    "median",
    location,
  );
  assertClose(scaled, plain, { rtol: 2e-7 });
});

test("without scaling only zeros change", () => {
  const power = Float32Array.of(3, 0, 1e-20);
  prepareSpectrum(power, power, "none", location);
  assert.deepEqual(Array.from(power), [3, RAW_FLOOR, Math.fround(1e-20)]);
  assert.ok(Number.isFinite(Math.log(power[1]!)));
});

test("NaN, infinite and negative powers are refused with their place", () => {
  for (const bad of [Number.NaN, Infinity, -0.5, -Infinity]) {
    assert.throws(
      () =>
        prepareSpectrum(Float32Array.of(1, 2, bad), new Float32Array(3), "median", { path: "d/data_000.npy", row: 7 }),
      {
        name: "DataError",
        message: `Cannot use "d/data_000.npy": the power at row 7, column 2 is ${bad}, expected a finite number of at least 0`,
        path: "d/data_000.npy",
        row: 7,
        column: 2,
        isRequest: false,
      },
    );
  }
  assert.throws(() => prepareSpectrum(Float64Array.of(1, 1e39), new Float32Array(2), "none", location), {
    name: "DataError",
    message: 'Cannot use "star.txt": the power at bin 1 is 1e+39, expected a finite number of at least 0',
  });
});

test("a spectrum that is half zeros has no scale", () => {
  assert.throws(() => prepareSpectrum(Float32Array.of(0, 0, 0, 5, 6), new Float32Array(5), "median", location), {
    name: "DataError",
    message: 'Cannot scale "star.txt": the spectrum has 3 zeros among 5 powers, expected fewer than half',
  });
});

test("neighbouring bins are averaged before anything else, those left over dropped", () => {
  const preparer = new SpectrumPreparer({ normalize: "none", rebin: 3 }, 8);
  assert.equal(preparer.inputs, 2);
  const out = new Float32Array(2);
  preparer.prepare(Float64Array.of(1, 2, 6, 0, 0, 12, 100, 100), out, location);
  assertClose(out, [3, 4], { rtol: 1e-7 });
});

test("more neighbours than a spectrum has bins are refused", () => {
  for (const normalize of ["median", "background", "none"] as const) {
    assert.throws(() => new SpectrumPreparer({ normalize, rebin: 8 }, 7), {
      name: "ConfigError",
      message: 'Setting "rebin" is 8: must be at most 7, the bins of a spectrum',
    });
  }
  assert.equal(new SpectrumPreparer({ normalize: "none", rebin: 7 }, 7).inputs, 1);
});

test("averaging may write over the beginning of the powers", () => {
  const power = Float32Array.of(1, 3, 5, 7, 9, 11);
  new SpectrumPreparer({ normalize: "none", rebin: 2 }, 6).prepare(power, power.subarray(0, 3), location);
  assertClose(power.subarray(0, 3), [2, 6, 10], { rtol: 1e-7 });
});

test("the background takes any unit, and refuses what is half zeros", () => {
  const random = new Random(5);
  const power = Float64Array.from({ length: 900 }, () => -1e-30 * Math.log(random.uniform()));
  const preparer = new SpectrumPreparer({ normalize: "background", rebin: 3 }, 900);
  const [one, other] = [new Float32Array(300), new Float32Array(300)];
  preparer.prepare(power, one, location);
  preparer.prepare(
    power.map((value) => 1e40 * value),
    other,
    location,
  );
  assertClose(other, one, { rtol: 1e-5 });
  assert.throws(() => preparer.prepare(power.fill(0, 0, 600), one, location), {
    name: "DataError",
    message: 'Cannot scale "star.txt": the spectrum has 600 zeros among 900 powers, expected fewer than half',
  });
});
