import assert from "node:assert/strict";
import test from "node:test";
import { KEPLER_GRID } from "../../src/data/grid";
import { LorentzianAdder } from "../../src/simulate/lorentzians";
import { assertClose } from "../assert-close";
import { golden } from "./golden";

const { first, step, points, peaks, means } = golden.lorentzians;
const grid = { points, firstFrequencyUHz: first, stepUHz: step };
const asPeak = (peak: { frequency: number; height: number; width: number }) => ({
  frequencyUHz: peak.frequency,
  height: peak.height,
  widthUHz: peak.width,
});

test("bins hold the mean of the peaks over the bin, by quadrature: resolved, unresolved, on an edge, outside", () => {
  const spectrum = new Float64Array(points);
  // A background this low cuts no wing short.
  new LorentzianAdder(grid).add(peaks.map(asPeak), new Float64Array(points).fill(1e-9), spectrum);
  assertClose(spectrum, means, { rtol: 1e-3 });
});

test("near a peak's centre the means are right to 3e-5", () => {
  for (const width of [0.0004, 0.02, 0.1, 0.2]) {
    const centre = 700.3;
    const spectrum = new Float64Array(points);
    const peak = { frequencyUHz: first + centre * step, height: 10, widthUHz: width };
    new LorentzianAdder(grid).add([peak], new Float64Array(points).fill(1e-3), spectrum);
    const half = width / (2 * step);
    for (let bin = 660; bin < 740; bin++) {
      const mean = 10 * half * (Math.atan((bin + 0.5 - centre) / half) - Math.atan((bin - 0.5 - centre) / half));
      assertClose(spectrum[bin]!, mean, { rtol: 3e-5, atol: 1e-12 });
    }
  }
});

test("the sum of the bins is the power πHΓ/2 to 1e-3, cut-off of the wings included", () => {
  const adder = new LorentzianAdder(KEPLER_GRID);
  const level = new Float64Array(KEPLER_GRID.points).fill(10);
  for (const widthUHz of [1e-5, 1e-3, 0.00787, 0.05, 0.1, 0.14]) {
    for (const height of [30, 3000]) {
      for (const frequencyUHz of [140, 140.003935, 151.2345]) {
        const spectrum = new Float64Array(KEPLER_GRID.points);
        adder.add([{ frequencyUHz, height: height / Math.min(1, 100 * widthUHz), widthUHz }], level, spectrum);
        const power = spectrum.reduce((sum, value) => sum + value, 0) * KEPLER_GRID.stepUHz;
        const expected = ((Math.PI / 2) * height * widthUHz) / Math.min(1, 100 * widthUHz);
        assertClose(power, expected, { rtol: 1e-3, what: `Γ = ${widthUHz}, H = ${height}` });
      }
    }
  }
});

test("what is cut off or left out stays below 1e-4 of the background", () => {
  const adder = new LorentzianAdder(KEPLER_GRID);
  const level = new Float64Array(KEPLER_GRID.points).fill(10);
  for (const peak of [
    { frequencyUHz: 100, height: 3000, widthUHz: 0.1 },
    { frequencyUHz: 100, height: 9e-4, widthUHz: 0.3 },
    { frequencyUHz: 100, height: 500, widthUHz: 1e-8 },
  ]) {
    const spectrum = new Float64Array(KEPLER_GRID.points);
    adder.add([peak], level, spectrum);
    for (let bin = 0; bin < KEPLER_GRID.points; bin++) {
      if (spectrum[bin] !== 0) continue;
      const x = KEPLER_GRID.firstFrequencyUHz + bin * KEPLER_GRID.stepUHz - 100;
      const half = peak.widthUHz / 2;
      const edges = [x + KEPLER_GRID.stepUHz / 2, x - KEPLER_GRID.stepUHz / 2].map((edge) => Math.atan(edge / half));
      assert.ok((peak.height * half * (edges[0]! - edges[1]!)) / KEPLER_GRID.stepUHz < 1e-4 * 10, `bin ${bin}`);
    }
  }
});

test("a second spectrum does not see the first", () => {
  const adder = new LorentzianAdder(grid);
  const level = new Float64Array(points).fill(1);
  const once = new Float64Array(points);
  adder.add([asPeak(peaks[0]!)], level, once);
  adder.add(peaks.map(asPeak), level, new Float64Array(points));
  const again = new Float64Array(points);
  adder.add([asPeak(peaks[0]!)], level, again);
  assert.deepEqual(again, once);
});
