import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { categorize, digitize, digitizeValue, scaleParameter } from "../../src/data/binning";
import { HEAD_NAMES, type HeadName, PARAMETERS } from "../../src/data/parameters";
import { linspace } from "../../src/data/ranges";

// Made by test/golden/data/make.py with NumPy.
const golden = join(__dirname, "../golden/data");
const edges = JSON.parse(readFileSync(join(golden, "edges.json"), "utf8")) as Record<HeadName, number[]>;
interface Digitized {
  float32: number[];
  bins32: number[];
  float64: number[];
  bins64: number[];
}
const digitized = JSON.parse(readFileSync(join(golden, "digitize.json"), "utf8")) as Record<HeadName, Digitized> & {
  special: { ascending: number[]; descending: number[] };
};

test("the heads have the published numbers of classes", () => {
  const counts = HEAD_NAMES.map((head) => PARAMETERS[head].edges.length - 1);
  assert.deepEqual(counts, [180, 94, 37, 28, 11, 4, 18, 20, 10, 99, 16, 13, 11, 10, 10]);
});

test("class edges equal NumPy's, bit for bit", () => {
  for (const head of HEAD_NAMES) assert.deepEqual(Array.from(PARAMETERS[head].edges), edges[head], head);
});

test("digitize puts float32 and float64 values, on and off the edges, where NumPy does", () => {
  for (const head of HEAD_NAMES) {
    const { float32, bins32, float64, bins64 } = digitized[head];
    assert.deepEqual(Array.from(digitize(Float32Array.from(float32), edges[head])), bins32, `${head} float32`);
    assert.deepEqual(Array.from(digitize(float64, edges[head])), bins64, `${head} float64`);
  }
});

test("digitize sends NaN and infinities, and values against descending edges, where NumPy does", () => {
  const values = [0, 0.5, 1, -1, Number.NaN, Infinity, -Infinity];
  assert.deepEqual(Array.from(digitize(values, linspace(0, 1, 8))), digitized.special.ascending);
  assert.deepEqual(Array.from(digitize(values.slice(0, 4), linspace(1, 0, 8))), digitized.special.descending);
  assert.equal(digitizeValue(Number.NaN, linspace(0, 1, 8)), 8);
});

test("digitize refuses edges that are out of order", () => {
  assert.throws(() => digitize([1], [0, 2, 1, 3]), {
    name: "RangeError",
    message: "Cannot digitize: edges must ascend or descend throughout, but edge 2 is out of order (1)",
  });
});

test("scaleParameter maps the smallest value to 0 and the largest to 1", () => {
  assert.deepEqual(Array.from(scaleParameter([3, 1, 5, 2])), [0.5, 0, 1, 0.25]);
});

test("scaleParameter refuses what has no scale", () => {
  assert.throws(() => scaleParameter([2, 2]), {
    name: "RangeError",
    message: "Cannot scale a parameter: all values are 2, expected at least two different ones",
  });
  assert.throws(() => scaleParameter([]), {
    name: "RangeError",
    message: "Cannot scale a parameter: it has no values, expected at least two different ones",
  });
  assert.throws(() => scaleParameter([1, Number.NaN]), {
    name: "RangeError",
    message: "Cannot scale a parameter: value 1 is NaN, expected a finite number",
  });
});

test("categorize floors into classes and folds 1 into the last one", () => {
  assert.deepEqual(Array.from(categorize([0, 0.1999, 0.2, 0.99, 1], 5)), [0, 0, 1, 4, 4]);
});

test("categorize refuses values that are not scaled and counts that are none", () => {
  assert.throws(() => categorize([0.5, 1.2], 4), {
    name: "RangeError",
    message: "Cannot categorize value 1: it is 1.2, expected a scaled parameter in [0, 1]",
  });
  assert.throws(() => categorize([Number.NaN], 4), {
    name: "RangeError",
    message: "Cannot categorize value 0: it is NaN, expected a scaled parameter in [0, 1]",
  });
  assert.throws(() => categorize([0.5], 0), {
    name: "RangeError",
    message: "Cannot categorize into 0 classes: expected a positive integer",
  });
});
