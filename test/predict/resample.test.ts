import assert from "node:assert/strict";
import test from "node:test";
import { frequencyOfBin, type Grid } from "../../src/data/grid";
import { resampleSpectrum, type Spectrum } from "../../src/predict/resample";
import { Random } from "../../src/random";
import { assertClose } from "../assert-close";

const GRID: Grid = { points: 2000, firstFrequencyUHz: 2, stepUHz: 0.1 };

function spectrum(
  count: number,
  firstUHz: number,
  stepUHz: number,
  powerAt: (index: number, f: number) => number,
): Spectrum {
  const frequencyUHz = Float64Array.from({ length: count }, (_, index) => firstUHz + index * stepUHz);
  return { path: "star.txt", frequencyUHz, power: frequencyUHz.map((f, index) => powerAt(index, f)), notes: [] };
}

const mean = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0) / values.length;

test("a spectrum on the grid's step is sliced, shifted by less than half a bin, and nothing is said", () => {
  const { power, notes } = resampleSpectrum(
    spectrum(2100, 0.13, 0.100005, (index) => index),
    GRID,
  );
  // (2 - 0.13) / 0.100005 = 18.7: bin 0 of the grid is bin 19 of the spectrum.
  assertClose(power.slice(0, 3), [19, 20, 21]);
  assert.deepEqual(notes, []);
  // The steps differ by 5e-5: after 2000 bins by a tenth of a bin.
  assertClose(power.at(-1)!, 2018);
});

test("a file with few digits keeps every bin", () => {
  const rounded = spectrum(2100, 0.1, 0.1, (index) => index);
  const { notes } = resampleSpectrum(
    { ...rounded, frequencyUHz: rounded.frequencyUHz.map((f) => Math.round(f * 100) / 100) },
    GRID,
  );
  assert.deepEqual(notes, []);
});

test("other steps conserve the power integrated over frequency", () => {
  const random = new Random(2);
  for (const step of [0.023, 0.07, 0.0999, 0.13, 0.31]) {
    const source = spectrum(Math.ceil(210 / step), 0.02, step, (_, f) => -Math.log(random.uniform()) * (1 + 50 / f));
    const { power, notes } = resampleSpectrum(source, GRID);
    assert.equal(notes.length, 1);
    assert.match(notes[0]!, step < 0.1 ? /averaged to the network's 0.1 µHz/ : /spread to the network's 0.1 µHz/);
    // The integral over the middle of the grid, the boxes at its ends cut by hand.
    const [low, high] = [frequencyOfBin(100, GRID) - 0.05, frequencyOfBin(1900, GRID) - 0.05];
    let expected = 0;
    source.frequencyUHz.forEach((f, index) => {
      const part = Math.min(high, f + step / 2) - Math.max(low, f - step / 2);
      if (part > 0) expected += part * source.power[index]!;
    });
    const got = mean(power.subarray(100, 1900)) * 1800 * GRID.stepUHz;
    assertClose(got, expected, { rtol: 1e-5, what: `step ${step}` });
  }
});

test("an oversampled spectrum is thinned, so that bins stay exponential", () => {
  const random = new Random(4);
  // Fivefold oversampling: the transform of 2100 independent complex amplitudes, zero-padded, that is sinc-interpolated.
  const amplitudes = Array.from({ length: 2140 }, () => [random.normal(), random.normal()] as const);
  const source = spectrum(10400, 0.4, 0.02, (index) => {
    const position = 4 + index / 5; // in critical bins of 0.1
    let [re, im] = [0, 0];
    for (let k = Math.max(0, Math.floor(position) - 15); k < Math.min(2140, position + 16); k++) {
      const x = Math.PI * (position - k);
      const weight = Math.abs(x) < 1e-9 ? 1 : Math.sin(x) / x;
      re += weight * amplitudes[k]![0];
      im += weight * amplitudes[k]![1];
    }
    return (re * re + im * im) / 2;
  });
  const { power, notes } = resampleSpectrum(source, GRID);
  assert.deepEqual(notes, ["oversampled (step 0.02 µHz): thinned to the network's 0.1 µHz"]);
  assertClose(
    power.slice(0, 100),
    Array.from({ length: 100 }, (_, bin) => (amplitudes[bin + 20]![0] ** 2 + amplitudes[bin + 20]![1] ** 2) / 2),
    { rtol: 1e-5 },
  );
});

test("bins outside the spectrum are filled with noise at the level beside them, and counted", () => {
  const random = new Random(6);
  const source = spectrum(1500, 22, 0.1, (_, f) => (f < 60 ? 8 : 0.5) * -Math.log(random.uniform()));
  const { power, notes } = resampleSpectrum(source, GRID);
  assert.deepEqual(notes, ["500 of 2000 bins not covered: filled with noise at the nearest level"]);
  assert.deepEqual(Array.from(power.subarray(200, 1700)), Array.from(Float32Array.from(source.power)));
  assertClose(mean(power.subarray(0, 200)), 8, { rtol: 0.25 });
  assertClose(mean(power.subarray(1700)), 0.5, { rtol: 0.25 });
  assert.ok(power.every((value) => value > 0));
  assert.deepEqual(resampleSpectrum(source, GRID).power, power, "the same every time");
});

test("a gap inside the spectrum is filled too", () => {
  const whole = spectrum(2100, 1, 0.1, () => 3);
  const keep = (_: number, index: number): boolean => index < 800 || index >= 900;
  const { power, notes } = resampleSpectrum(
    { ...whole, frequencyUHz: whole.frequencyUHz.filter(keep), power: whole.power.filter(keep) },
    GRID,
  );
  assert.deepEqual(notes, ["100 of 2000 bins not covered: filled with noise at the nearest level"]);
  assertClose(power[789]!, 3);
  assert.notEqual(power[790], 3);
  assertClose(power[890]!, 3);
});

test("a spectrum that covers less than half of the grid is refused", () => {
  assert.throws(
    () =>
      resampleSpectrum(
        spectrum(900, 100, 0.1, () => 1),
        GRID,
      ),
    {
      name: "DataError",
      message:
        'Cannot use "star.txt": its frequencies, 100 to 189.9 µHz, cover 45 % of the network\'s 2 to 201.9 µHz, expected at least 50 %; is the unit of frequency right?',
    },
  );
});
