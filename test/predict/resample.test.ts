import assert from "node:assert/strict";
import test from "node:test";
import { frequencyOfBin, type Grid, KEPLER_GRID } from "../../src/data/grid";
import { rebinPower } from "../../src/data/rebin";
import { resampleSpectrum, type Spectrum } from "../../src/predict/resample";
import { oversamplingOf } from "../../src/predict/spectrum-statistics";
import { Random } from "../../src/random";
import { Simulator, starOf } from "../../src/simulate";
import { gridOf } from "../../src/simulate/observation";
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
  for (const step of [0.023, 0.07, 0.094, 0.13, 0.31]) {
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

/** Bins of an oversampled spectrum per critical one, and where its first lies among the amplitudes. */
function oversampled(factor: number, amplitudes: readonly (readonly [number, number])[], count: number): number[] {
  // The transform of a zero-padded series: independent complex amplitudes, sinc-interpolated.
  return Array.from({ length: count }, (_, index) => {
    const position = 20 + index / factor;
    let [re, im] = [0, 0];
    for (let k = Math.max(0, Math.floor(position) - 15); k < Math.min(amplitudes.length, position + 16); k++) {
      const x = Math.PI * (position - k);
      const weight = Math.abs(x) < 1e-9 ? 1 : Math.sin(x) / x;
      re += weight * amplitudes[k]![0];
      im += weight * amplitudes[k]![1];
    }
    return (re * re + im * im) / 2;
  });
}

function drawAmplitudes(count: number, seed: number): (readonly [number, number])[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => [random.normal(), random.normal()] as const);
}

test("a spectrum of nearly the grid's step keeps its bins as they are", () => {
  const random = new Random(3);
  for (const step of [0.09921, 0.10083]) {
    const source = spectrum(2200, step, step, () => -Math.log(random.uniform()));
    const { power, notes } = resampleSpectrum(source, GRID);
    assert.deepEqual(notes, [`step ${step} µHz: the bins nearest to the network's 0.1 µHz`]);
    assert.deepEqual(
      Array.from(power),
      Array.from({ length: 2000 }, (_, bin) => Math.fround(source.power[Math.round((2 + bin * 0.1) / step) - 1]!)),
    );
  }
});

test("an oversampled spectrum is thinned, so that bins stay exponential", () => {
  for (const [factor, stepUHz] of [
    [2, 0.05],
    [5, 0.02],
    [10, 0.01],
  ] as const) {
    const amplitudes = drawAmplitudes(2140, 4);
    const powers = oversampled(factor, amplitudes, 2080 * factor);
    const { power, notes } = resampleSpectrum(
      spectrum(powers.length, 2, stepUHz, (index) => powers[index]!),
      GRID,
    );
    assert.deepEqual(notes, [`oversampled (step ${stepUHz} µHz): thinned to the network's 0.1 µHz`]);
    assertClose(
      power.slice(0, 100),
      Array.from({ length: 100 }, (_, bin) => (amplitudes[bin + 20]![0] ** 2 + amplitudes[bin + 20]![1] ** 2) / 2),
      { rtol: 1e-5 },
    );
  }
});

test("how far a spectrum is oversampled is counted exactly, whatever the noise", () => {
  for (const factor of [1, 2, 3, 4, 6, 8]) {
    for (const seed of [1, 2, 3, 4]) {
      const powers = oversampled(factor, drawAmplitudes(2140, 40 + seed), 2080 * factor);
      assert.equal(oversamplingOf(Float64Array.from(powers)), factor, `factor ${factor}, seed ${seed}`);
    }
  }
});

test("a short observation of giants on steep backgrounds is not taken for an oversampled one", () => {
  const grid = gridOf(27);
  const simulator = new Simulator({ grid });
  const power = new Float64Array(grid.points);
  let critical = 0;
  for (let row = 0; row < 100; row++) {
    const source = { seed: 99, row };
    simulator.writeSpectrum(starOf("population", source), source, power);
    if (oversamplingOf(power) === 1) critical++;
  }
  assert.ok(critical >= 97, `${critical} of 100`);
});

test("an oversampled spectrum of another length is thinned to its own critical step first", () => {
  const critical = (amplitudes: readonly (readonly [number, number])[]): number[] =>
    amplitudes.slice(20).map(([re, im]) => (re * re + im * im) / 2);
  // Longer than the network's: threefold oversampled at 0.1 / 9, three critical bins make one of the network's.
  const long = drawAmplitudes(6200, 5);
  const fine = oversampled(3, long, 3 * 6140);
  const averaged = resampleSpectrum(
    spectrum(fine.length, 2 - 0.1 / 3, 0.1 / 9, (index) => fine[index]!),
    GRID,
  );
  assert.deepEqual(averaged.notes, [
    "oversampled 3 times (step 0.011111 µHz): thinned to 0.033333 µHz",
    "step 0.033333 µHz: averaged to the network's 0.1 µHz",
  ]);
  const own = critical(long);
  assertClose(
    averaged.power,
    Array.from({ length: GRID.points }, (_, bin) => (own[3 * bin]! + own[3 * bin + 1]! + own[3 * bin + 2]!) / 3),
    { rtol: 1e-3, atol: 1e-3 },
  );
  // Shorter: fourfold oversampled at the network's own step over two, each critical bin fills two of the network's.
  const short = drawAmplitudes(1100, 6);
  const coarse = oversampled(4, short, 4 * 1060);
  const spread = resampleSpectrum(
    spectrum(coarse.length, 2, 0.05, (index) => coarse[index]!),
    GRID,
  );
  assert.deepEqual(spread.notes, [
    "oversampled 4 times (step 0.05 µHz): thinned to 0.2 µHz",
    "step 0.2 µHz: spread to the network's 0.1 µHz",
  ]);
  // Every second bin lies in the middle of a critical one, the others between two.
  const wide = critical(short);
  assertClose(
    spread.power,
    Array.from({ length: GRID.points }, (_, bin) => (wide[Math.floor(bin / 2)]! + wide[Math.ceil(bin / 2)]!) / 2),
    { rtol: 1e-3, atol: 1e-3 },
  );
});

test("a spectrum finer than a coarse network's grid is averaged by overlap", () => {
  // The Kepler grid at three times its step: bin k is the mean of 3 bins about it.
  const step = 0.00787104;
  const grid: Grid = { points: 2000, firstFrequencyUHz: 292 * step, stepUHz: 3 * step };
  const random = new Random(8);
  const source = spectrum(6400, step, step, () => -Math.log(random.uniform()));
  const { power, notes } = resampleSpectrum(source, grid);
  assert.deepEqual(notes, ["step 0.007871 µHz: averaged to the network's 0.023613 µHz"]);
  // Bin 0 is at 292 steps, index 291 of a file that starts at one step: the mean of indices 290, 291, 292.
  assertClose(
    power,
    Array.from({ length: grid.points }, (_, bin) => mean(source.power.subarray(290 + 3 * bin, 293 + 3 * bin))),
    { rtol: 1e-6 },
  );
  // Half a bin off: the outer bins count half.
  const shifted = resampleSpectrum(source, { ...grid, firstFrequencyUHz: 292.5 * step }).power;
  assertClose(
    shifted,
    Array.from({ length: grid.points }, (_, bin) => {
      const [a, b, c, d] = source.power.subarray(290 + 3 * bin, 294 + 3 * bin);
      return (a! / 2 + b! + c! + d! / 2) / 3;
    }),
    { rtol: 1e-6 },
  );
});

test("a one-sector spectrum is spread: each of its bins fills those of the grid that it covers", () => {
  const source = spectrum(900, 0.43, 0.43, (index) => 1 + ((index * 7919) % 13));
  const { power } = resampleSpectrum(source, { points: 2500, firstFrequencyUHz: 5, stepUHz: 0.1 });
  for (let bin = 0; bin < 2500; bin++) {
    const [low, high] = [5 + 0.1 * bin - 0.05, 5 + 0.1 * bin + 0.05].map((f) => f / 0.43 - 0.5) as [number, number];
    const [first, last] = [Math.floor(low), Math.floor(high)];
    const share = first === last ? 1 : (last - low) / (high - low);
    assertClose(power[bin]!, share * source.power[first]! + (1 - share) * source.power[last]!, { rtol: 1e-5 });
  }
});

test("a shorter observation is brought to the grid exactly as simulated ones are in training", () => {
  const random = new Random(12);
  for (const days of [27, 90, 600, 1126]) {
    const from = gridOf(days);
    const source = spectrum(from.points, from.firstFrequencyUHz, from.stepUHz, () => -Math.log(random.uniform()));
    const expected = new Float32Array(KEPLER_GRID.points);
    rebinPower(source.frequencyUHz, source.power, from.stepUHz, KEPLER_GRID, expected);
    const { power } = resampleSpectrum(source, KEPLER_GRID);
    // At the upper end half a bin may not be covered: it is filled with noise.
    assertClose(power.subarray(0, 35600), expected.subarray(0, 35600), { rtol: 1e-5, what: `${days} days` });
  }
});

test("uneven steps and too coarse ones are refused", () => {
  const refuse = (source: Spectrum, message: string | RegExp): void =>
    assert.throws(() => resampleSpectrum(source, GRID), { name: "DataError", message });
  const periods = Float64Array.from({ length: 2000 }, (_, index) => 1e6 / (500_000 - 240 * index));
  refuse(
    { path: "star.txt", frequencyUHz: periods, power: periods.map(() => 1), notes: [] },
    /^Cannot use "star.txt": \d\d % of its frequency steps are no multiple of the median step, 0.0035\d* µHz, expected an even grid \(gaps may be left out\)$/,
  );
  refuse(
    spectrum(200, 1.2, 1.2, (index) => 1 + ((index * 7919) % 13)),
    'Cannot use "star.txt": its step of 1.2 µHz stands for 9.6 days of observation, expected at most 1 µHz (12 days); is the unit of frequency right?',
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

test("each half of a gap is filled at the level of its own side", () => {
  const whole = spectrum(2100, 1, 0.1, (index) => (index < 1000 ? 1 : 1000));
  const keep = (_: number, index: number): boolean => index < 800 || index >= 1200;
  const { power } = resampleSpectrum(
    { ...whole, frequencyUHz: whole.frequencyUHz.filter(keep), power: whole.power.filter(keep) },
    GRID,
  );
  // The gap is bins 790 to 1189; exponential deviates of 200 bins.
  assertClose(mean(power.subarray(790, 990)), 1, { rtol: 0.3 });
  assertClose(mean(power.subarray(990, 1190)), 1000, { rtol: 0.3 });
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
  assert.throws(
    () =>
      resampleSpectrum(
        spectrum(900, 0.1, 0.1, (index) => 1 + ((index * 7919) % 13)),
        GRID,
      ),
    {
      name: "DataError",
      message:
        'Cannot use "star.txt": its frequencies, 0.1 to 90 µHz, cover 44 % of the network\'s 2 to 201.9 µHz, expected at least 50 %; is the unit of frequency right? As a Nyquist frequency its highest one belongs to a cadence of 93 minutes',
    },
  );
  const almost = spectrum(997, 100, 0.1, () => 1);
  assert.throws(() => resampleSpectrum(almost, GRID), { message: /cover 49 % of .* expected at least 50 %/ });
});
