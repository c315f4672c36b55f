import assert from "node:assert/strict";
import test from "node:test";
import { HEAD_NAMES, labelValue, PARAMETERS } from "../../src/data/parameters";
import { labelColumns, resolveStar, simulateModes, starOf, starOfLabels } from "../../src/simulate";
import { assertClose } from "../assert-close";
import { BRANCH_STAR } from "./stars";

const star = resolveStar({ ...BRANCH_STAR, beta: 0.05, deltaPercent: 2.5 });

test("the 36 columns stand where the original has them", () => {
  const expected = new Array<number>(36).fill(0);
  Object.assign(expected, {
    0: 0.06, // nurot_env
    1: 0.7, // nurot_core
    5: -9999,
    6: 0.2 * 0.06, // a3 in µHz
    7: -9999,
    12: 10.13,
    13: 0.207,
    14: 2.5,
    15: 0.05,
    17: 76.7,
    18: 0.28,
    19: 0.11,
    20: 69.8,
    21: 0.109,
    23: 1.535,
    24: 0.585,
    25: 0.06,
    26: 10,
    34: 120.2,
    35: 60,
  });
  assertClose(labelColumns(star), expected, { rtol: 1e-15 });
});

test("every head reads its parameter back from the columns", () => {
  const columns = labelColumns(star);
  for (const name of HEAD_NAMES)
    assertClose(labelValue(PARAMETERS[name], columns), star[name], { rtol: 1e-14, what: name });
});

test("a row's labels give the frequencies of the star that was simulated", () => {
  const drawn = starOf("population", { seed: 4, shard: 1, row: 9 });
  const again = starOfLabels(Float32Array.from(labelColumns(drawn)));
  const expected = simulateModes(drawn);
  const actual = simulateModes(again);
  assert.equal(actual.length, expected.length);
  assertClose(
    actual.map(({ frequencyUHz }) => frequencyUHz),
    expected.map(({ frequencyUHz }) => frequencyUHz),
    { rtol: 1e-5 },
  );
});
