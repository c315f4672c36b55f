import test from "node:test";
import { rebinPower } from "../../src/data/rebin";
import { assertClose } from "../assert-close";

const TO = { points: 4, firstFrequencyUHz: 10, stepUHz: 1 };

test("bins of twice the width are spread, and power is conserved", () => {
  // Boxes 8.5-10.5, 10.5-12.5, 12.5-14.5 against bins 9.5-10.5, 10.5-11.5, 11.5-12.5, 12.5-13.5.
  const out = new Float64Array(4);
  rebinPower(Float64Array.of(5, 7, 9), { points: 3, firstFrequencyUHz: 9.5, stepUHz: 2 }, TO, out);
  assertClose(out, [5, 7, 7, 9], { rtol: 1e-12 });
});

test("bins that overlap in part are weighted by their parts", () => {
  // Boxes of 1.5: 8.75-10.25, 10.25-11.75, 11.75-13.25, 13.25-14.75.
  const out = new Float64Array(5);
  rebinPower(Float64Array.of(4, 8, 16, 32), { points: 4, firstFrequencyUHz: 9.5, stepUHz: 1.5 }, TO, out, 1);
  assertClose(out, [0, 0.75 * 4 + 0.25 * 8, 8, 0.25 * 8 + 0.75 * 16, 0.75 * 16 + 0.25 * 32], { rtol: 1e-12 });
});

test("finer bins are averaged", () => {
  const out = new Float64Array(4);
  const power = Float64Array.from({ length: 16 }, (_, bin) => bin);
  rebinPower(power, { points: 16, firstFrequencyUHz: 9.625, stepUHz: 0.25 }, TO, out);
  assertClose(out, [1.5, 5.5, 9.5, 13.5], { rtol: 1e-12 });
});
