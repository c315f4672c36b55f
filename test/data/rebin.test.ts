import test from "node:test";
import { rebinPower } from "../../src/data/rebin";
import { assertClose } from "../assert-close";

const TO = { points: 4, firstFrequencyUHz: 10, stepUHz: 1 };

test("bins of twice the width are spread, and power is conserved", () => {
  // Boxes 8.5-10.5, 10.5-12.5, 12.5-14.5 against bins 9.5-10.5, 10.5-11.5, 11.5-12.5, 12.5-13.5.
  const out = new Float64Array(4);
  rebinPower(Float64Array.of(9.5, 11.5, 13.5), Float64Array.of(5, 7, 9), 2, TO, out);
  assertClose(out, [5, 7, 7, 9], { rtol: 1e-12 });
});

test("bins that overlap in part are weighted by their parts", () => {
  // Boxes of 1.5: 8.75-10.25, 10.25-11.75, 11.75-13.25, 13.25-14.75.
  const out = new Float64Array(4);
  rebinPower(Float64Array.of(9.5, 11, 12.5, 14), Float64Array.of(4, 8, 16, 32), 1.5, TO, out);
  assertClose(out, [0.75 * 4 + 0.25 * 8, 8, 0.25 * 8 + 0.75 * 16, 0.75 * 16 + 0.25 * 32], { rtol: 1e-12 });
});

test("finer bins are averaged", () => {
  const out = new Float64Array(4);
  const power = Float64Array.from({ length: 16 }, (_, bin) => bin);
  const frequencies = power.map((bin) => 9.625 + 0.25 * bin);
  rebinPower(frequencies, power, 0.25, TO, out);
  assertClose(out, [1.5, 5.5, 9.5, 13.5], { rtol: 1e-12 });
});

test("in gaps the covered part counts, and bins that are covered by half or less stay as they are", () => {
  // Boxes 9.5-10, 10.5-11, 11-11.5, 11.5-12, 13-13.5: bins 9.5-10.5 and 12.5-13.5 are half covered, 11.5-12.5 too.
  const out = new Float64Array(4).fill(Number.NaN);
  rebinPower(Float64Array.of(9.75, 10.75, 11.25, 11.75, 13.25), Float64Array.of(1, 2, 4, 8, 16), 0.5, TO, out);
  assertClose(out, [Number.NaN, 3, Number.NaN, Number.NaN], { rtol: 1e-12 });
  // 9.5-10.3 is most of the first bin.
  rebinPower(Float64Array.of(9.9), Float64Array.of(7), 0.8, TO, out);
  assertClose(out, [7, 3, Number.NaN, Number.NaN], { rtol: 1e-12 });
});
