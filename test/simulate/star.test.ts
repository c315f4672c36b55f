import assert from "node:assert/strict";
import test from "node:test";
import { resolveStar, type StarSpec } from "../../src/simulate";
import { assertClose } from "../assert-close";
import { BRANCH_STAR } from "./stars";

test("details that are left out take their published values", () => {
  const star = resolveStar(BRANCH_STAR);
  assertClose(star.granulationAmplitudePpm, 3382 * 120.2 ** -0.609, { rtol: 1e-12 });
  assertClose(star.envelopeWidthUHz, 0.66 * 120.2 ** 0.88, { rtol: 1e-12 });
  assertClose(star.beta / (120.2 / 10.13 - 0.207), 0.015 * 10.13 ** -0.32, { rtol: 1e-12 });
});

test("details that are given are kept", () => {
  const star = resolveStar({ ...BRANCH_STAR, whiteNoise: 55, granulationKneesUHz: [10, 70] });
  assert.equal(star.whiteNoise, 55);
  assert.deepEqual(star.granulationKneesUHz, [10, 70]);
});

const REFUSED: readonly [Partial<StarSpec>, RegExp][] = [
  [{ dnu: 0 }, /dnu = 0: expected a value above 0/],
  [{ dp: Number.NaN }, /dp = NaN: expected a finite number/],
  [{ q: 1.2 }, /q = 1.2: expected 0 < q <= 1/],
  [{ q: 0 }, /q = 0: expected 0 < q <= 1/],
  [{ inc: 91 }, /inc = 91: expected 0 to 90 degrees/],
  [{ vl2: -0.1 }, /vl2 = -0.1: expected 0 or more/],
  [{ gamma: -1 }, /gamma = -1: expected a value above 0/],
  [{ snr: Number.POSITIVE_INFINITY }, /snr = Infinity: expected a finite number/],
  [{ beta: 3 }, /beta = 3: expected 0 to 0.05 \* \(numax \/ dnu - epp\)/],
  [{ whiteNoise: -2 }, /whiteNoise = -2: expected 0 or more/],
  [{ envelopeWidthUHz: 0 }, /envelopeWidthUHz = 0: expected a value above 0/],
];

for (const [change, message] of REFUSED) {
  test(`a star with ${JSON.stringify(change)} is refused by name and value`, () => {
    assert.throws(() => resolveStar({ ...BRANCH_STAR, ...change }), { name: "RangeError", message });
  });
}
