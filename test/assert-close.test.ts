import assert from "node:assert/strict";
import test from "node:test";
import { assertClose } from "./assert-close";

test("values within the tolerance pass", () => {
  assertClose([1, 2.0001, Number.NaN, Number.POSITIVE_INFINITY], [1, 2, Number.NaN, Number.POSITIVE_INFINITY], {
    rtol: 1e-4,
  });
  assertClose(1e-9, 0, { atol: 1e-8 });
  assertClose(Float32Array.of(0, -0), [0, 0]);
});

test("NaN, infinities and lengths must match exactly, whatever the tolerance", () => {
  const loose = { rtol: 1e9, atol: 1e9 };
  assert.throws(() => assertClose([Number.NaN], [1], loose), /index 0/);
  assert.throws(() => assertClose([1], [Number.NaN], loose), /index 0/);
  assert.throws(() => assertClose([1], [Number.POSITIVE_INFINITY], loose), /index 0/);
  assert.throws(() => assertClose([Number.POSITIVE_INFINITY], [1], loose), /index 0/);
  assert.throws(() => assertClose([Number.NEGATIVE_INFINITY], [Number.POSITIVE_INFINITY], loose), /index 0/);
  assert.throws(() => assertClose([1, 2], [1], loose), /lengths differ/);
});

test("the message names the worst element and how many failed", () => {
  assert.throws(() => assertClose([1, 2.5, 3.1], [1, 2, 3], { atol: 0.01, what: "logits" }), {
    message: /^logits: 2 of 3 outside rtol 0, atol 0.01; worst at index 1: got 2.5, expected 2, difference 0.5$/,
  });
});
