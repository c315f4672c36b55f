import assert from "node:assert/strict";
import test from "node:test";
import { Random } from "../../src/random";
import { drawPower } from "../../src/simulate/noise";
import { assertClose } from "../assert-close";

const COUNT = 200_000;
const limit = Float64Array.from({ length: COUNT }, (_, bin) => 1 + bin / 1000);

function ratios(): Float64Array {
  const powers = new Float64Array(COUNT);
  drawPower(limit, new Random(11, 3), powers);
  return powers.map((power, bin) => power / limit[bin]!);
}

test("power over its limit has mean 1 and variance 1", () => {
  const values = ratios();
  const mean = values.reduce((sum, value) => sum + value, 0) / COUNT;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / COUNT;
  assertClose(mean, 1, { atol: 4 / Math.sqrt(COUNT) }); // four standard errors
  assertClose(variance, 1, { atol: 4 * Math.sqrt(8 / COUNT) });
});

test("power over its limit is χ² with 2 degrees of freedom (Kolmogorov and Smirnov, p > 0.01)", () => {
  const sorted = ratios().sort();
  let distance = 0;
  for (let index = 0; index < COUNT; index++) {
    const expected = 1 - Math.exp(-sorted[index]!);
    distance = Math.max(distance, Math.abs(expected - index / COUNT), Math.abs(expected - (index + 1) / COUNT));
  }
  assert.ok(distance < 1.628 / Math.sqrt(COUNT), `distance ${distance}`);
});

test("neighbouring bins are independent", () => {
  const values = ratios();
  let product = 0;
  for (let bin = 1; bin < COUNT; bin++) product += (values[bin]! - 1) * (values[bin - 1]! - 1);
  assertClose(product / COUNT, 0, { atol: 4 / Math.sqrt(COUNT) });
});

test("powers are above 0, also in float32, and written from the offset on", () => {
  const powers = new Float32Array(COUNT + 2);
  drawPower(limit, new Random(5), powers, 1);
  assert.ok(powers.subarray(1, COUNT + 1).every((power) => power > 0));
  assert.equal(powers[0], 0);
  assert.equal(powers[COUNT + 1], 0);
});
