import assert from "node:assert/strict";
import test from "node:test";
import { positionCode } from "../../src/model/position-code";
import { assertClose } from "../assert-close";

test("positionCode() is the sinusoidal code of Vaswani et al. 2017", () => {
  // numpy: t = arange(3)[:, None]; f = 10000 ** (-arange(0, 4, 2) / 4); stack([sin(t * f), cos(t * f)], -1).reshape(3, 4)
  const expected = [
    ...[0, 1, 0, 1],
    ...[0.8414709848078965, 0.5403023058681398, 0.009999833334166664, 0.9999500004166653],
    ...[0.9092974268256817, -0.4161468365471424, 0.01999866669333308, 0.9998000066665778],
  ];
  assertClose(positionCode(3, 4), expected, { rtol: 1e-6, atol: 1e-7 });
});

test("positionCode() gives every position of an odd number of channels another code", () => {
  const code = positionCode(49, 5);
  const rows = new Set(Array.from({ length: 49 }, (_, position) => code.slice(position * 5, position * 5 + 5).join()));
  assert.equal(rows.size, 49);
});
