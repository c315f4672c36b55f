import assert from "node:assert/strict";
import test from "node:test";
import FFT from "fft.js";
import { type LightCurve, lightCurveSpectrum } from "../../src/predict/light-curve";
import { bridgeGaps } from "../../src/predict/light-curve-filter";
import type { Spectrum } from "../../src/predict/resample";
import { Random } from "../../src/random";
import { simulateStar } from "../../src/simulate";
import { assertClose } from "../assert-close";

/** Kepler's long cadence. */
const CADENCE_S = 1765.46;
const CADENCE_DAYS = CADENCE_S / 86400;

/** A light curve of a flux of 20000 counts with relative changes in ppm; samples may be taken out. */
function curveOf(
  count: number,
  ppmAt: (timeDays: number, index: number) => number,
  { start = 100, cadenceDays = CADENCE_DAYS, level = 20000, isKept = (_: number): boolean => true } = {},
): LightCurve {
  const indices = Array.from({ length: count }, (_, index) => index).filter(isKept);
  const timeDays = Float64Array.from(indices, (index) => start + index * cadenceDays);
  return {
    path: "star.fits",
    timeDays,
    flux: timeDays.map((time, index) => level * (1 + 1e-6 * ppmAt(time, indices[index]!))),
    notes: [],
  };
}

const TWO_PI = 2 * Math.PI;
/** Days and µHz to radians. */
const phase = (frequencyUHz: number, timeDays: number): number => TWO_PI * frequencyUHz * 0.0864 * timeDays;

function meanBetween({ frequencyUHz, power }: Spectrum, lowUHz: number, highUHz: number): number {
  const inside = power.filter((_, k) => frequencyUHz[k]! >= lowUHz && frequencyUHz[k]! < highUHz);
  return inside.reduce((a, b) => a + b, 0) / inside.length;
}

/** Power integrated about a frequency, ppm². */
function powerNear(spectrum: Spectrum, frequencyUHz: number, halfWidthUHz: number): number {
  const step = spectrum.frequencyUHz[0]!;
  const [low, high] = [frequencyUHz - halfWidthUHz, frequencyUHz + halfWidthUHz];
  return spectrum.power.reduce(
    (sum, p, k) => ((k + 1) * step >= low && (k + 1) * step <= high ? sum + p * step : sum),
    0,
  );
}

test("white noise has the level s²/ν_Nyquist in ppm²/µHz, with and without gaps", () => {
  const random = new Random(1);
  for (const isKept of [() => true, (index: number) => index % 1400 < 1250 && random.uniform() < 0.97]) {
    const spectrum = lightCurveSpectrum([curveOf(30000, () => 100 * random.normal(), { isKept })]);
    // Nyquist frequency of 1765.46 s: 283.21 µHz; about 15000 independent powers.
    assertClose(meanBetween(spectrum, 5, 283), 100 ** 2 / 283.21, { rtol: 5 / Math.sqrt(14000) });
    assertClose(spectrum.frequencyUHz[0]!, 1e6 / (30000 * CADENCE_S), { rtol: 1e-9 });
    assertClose(spectrum.frequencyUHz.at(-1)!, 283.2, { rtol: 1e-4 });
  }
});

test("a sinusoid of amplitude A holds the power A²/2, and the note says how the light curve was used", () => {
  const isKept = (index: number): boolean => index % 2000 < 1800;
  const spectrum = lightCurveSpectrum([curveOf(60000, (t) => 80 * Math.sin(phase(53.217, t) + 0.3), { isKept })]);
  assertClose(powerNear(spectrum, 53.217, 6), 80 ** 2 / 2, { rtol: 0.01 });
  assert.deepEqual(spectrum.notes, [
    "power spectrum of a light curve: 54000 samples over 1221.9 days, 90 % filled, 30-day high-pass, 0 outliers left out",
  ]);
});

test("the high-pass leaves 1 - sinc² of an amplitude: all above 2 µHz, little below 0.1 µHz", () => {
  for (const frequencyUHz of [0.06, 0.17, 0.5, 1, 2.3, 3, 5]) {
    const spectrum = lightCurveSpectrum([curveOf(45000, (t) => 100 * Math.sin(phase(frequencyUHz, t)))]);
    const x = Math.PI * 30 * 0.0864 * frequencyUHz;
    const amplitude = 1 - (Math.sin(x) / x) ** 2;
    // The ends of the series, where the window is cut, make up 60 of 919 days.
    assertClose(powerNear(spectrum, frequencyUHz, frequencyUHz < 0.5 ? 0.05 : 0.3), (100 * amplitude) ** 2 / 2, {
      rtol: frequencyUHz < 0.5 ? 0.3 : frequencyUHz < 2 ? 0.06 : 0.02,
      what: `${frequencyUHz} µHz`,
    });
  }
});

test("levels of quarters, slopes and outliers do not show in the spectrum", () => {
  const random = new Random(5);
  const noise = Float64Array.from({ length: 16000 }, () => 50 * random.normal());
  const ppm = (offset: number) => (_: number, index: number) => noise[offset + index]!;
  const quiet = lightCurveSpectrum([
    curveOf(8000, ppm(0)),
    curveOf(8000, ppm(8000), { start: 100 + 8000 * CADENCE_DAYS }),
  ]);
  const spoiled = (offset: number) => (time: number, index: number) =>
    noise[offset + index]! + 40 * (time - 200) + (index % 1000 === 500 ? 3000 : 0);
  const curves = [
    // In the wrong order, and on other levels.
    curveOf(8000, spoiled(8000), { start: 100 + 8000 * CADENCE_DAYS, level: 800 }),
    curveOf(8000, spoiled(0), { level: 12000 }),
  ];
  const cleaned = lightCurveSpectrum(curves);
  assert.match(cleaned.notes[0]!, /15984 samples over 326.94 days, 100 % filled, 30-day high-pass, 16 outliers/);
  for (const [low, high] of [
    [2, 5],
    [5, 20],
    [20, 283],
  ] as const) {
    assertClose(meanBetween(cleaned, low, high), meanBetween(quiet, low, high), { rtol: 0.02, what: `${low} µHz` });
  }
});

test("counts, ppm about zero and relative flux give the same spectrum; NaN is left out", () => {
  const random = new Random(6);
  const counts = curveOf(5000, () => 300 * random.normal());
  const scaled = (flux: (value: number) => number): Spectrum =>
    lightCurveSpectrum([{ ...counts, flux: counts.flux.map(flux) }]);
  const expected = lightCurveSpectrum([counts]);
  const ppm = scaled((value) => 1e6 * (value / 20000 - 1));
  assert.match(ppm.notes.join(), /flux about zero taken as ppm/);
  assertClose(ppm.power, expected.power, { rtol: 1e-3, atol: 1e-4 });
  const relative = scaled((value) => value / 20000 - 1);
  assert.match(relative.notes.join(), /flux about zero taken as relative/);
  assertClose(relative.power, expected.power, { rtol: 1e-3, atol: 1e-4 });

  const holes = (values: Float64Array, every: number): Float64Array =>
    values.map((value, index) => (index % every === 7 ? Number.NaN : value));
  const holey = lightCurveSpectrum([{ ...counts, timeDays: holes(counts.timeDays, 50), flux: holes(counts.flux, 70) }]);
  assert.match(holey.notes[0]!, /^power spectrum of a light curve: 4843 samples/);
});

test("files that cover the same time are used once", () => {
  const random = new Random(7);
  const curve = curveOf(6000, () => 100 * random.normal());
  const half = (from: number): LightCurve => ({
    ...curve,
    timeDays: curve.timeDays.slice(from, from + 2500),
    flux: curve.flux.slice(from, from + 2500),
  });
  assert.deepEqual(lightCurveSpectrum([half(2000), curve, half(0)]).power, lightCurveSpectrum([curve]).power);
});

test("short cadences are averaged to about 29.4 minutes, with the attenuation of such exposures", () => {
  // Two sectors of TESS: 120 s, 27 days each with a day's gap in the middle.
  const cadenceDays = 120 / 86400;
  const isKept = (index: number): boolean => index % 19440 < 9400 || index % 19440 > 10100;
  const frequencyUHz = 200;
  const spectrum = lightCurveSpectrum([
    curveOf(2 * 19440, (t) => 500 * Math.sin(phase(frequencyUHz, t)), { cadenceDays, isKept }),
  ]);
  assert.match(spectrum.notes.join(), /cadence of 120 s: 15 samples averaged to one of 1800 s/);
  assertClose(spectrum.frequencyUHz.at(-1)!, 1e6 / 3600, { rtol: 1e-3 });
  // The mean of 15 samples: the Dirichlet kernel, near sinc(200 µHz x 1800 s).
  const x = Math.PI * frequencyUHz * 120e-6;
  const attenuation = Math.sin(15 * x) / (15 * Math.sin(x));
  assertClose(powerNear(spectrum, frequencyUHz, 5), (500 * attenuation) ** 2 / 2, { rtol: 0.02 });
});

test("lost samples do not spread low frequencies over the others", () => {
  const random = new Random(10);
  const granulation = (t: number): number => 2000 * Math.sin(phase(10, t)) + 1500 * Math.sin(phase(23, t));
  const all = lightCurveSpectrum([curveOf(20000, granulation)]);
  const lossy = lightCurveSpectrum([curveOf(20000, granulation, { isKept: () => random.uniform() > 0.03 })]);
  assert.ok(meanBetween(all, 100, 283) < 0.2);
  // 3 % of 3.1e6 ppm² spread over 283 µHz would be 330 ppm²/µHz.
  assert.ok(meanBetween(lossy, 100, 283) < 3, String(meanBetween(lossy, 100, 283)));
});

test("a gap of three samples is bridged by straight lines, a longer one is left", () => {
  const series = (missing: number) => {
    const days = [0, 1, 2, 3 + missing, 4 + missing];
    return { timeDays: Float64Array.from(days), flux: Float64Array.from(days, (day) => 10 * day) };
  };
  const bridged = bridgeGaps(series(3), 1);
  assert.deepEqual([...bridged.timeDays], [0, 1, 2, 3, 4, 5, 6, 7]);
  assertClose(bridged.flux, [0, 10, 20, 30, 40, 50, 60, 70]);
  assert.deepEqual(bridgeGaps(series(4), 1), series(4));
});

test("visits more than 300 days apart are joined; times that make no sense are refused", () => {
  const random = new Random(11);
  const noise = (): number => 100 * random.normal();
  const visit = Math.round(27 / CADENCE_DAYS);
  const spectrum = lightCurveSpectrum([curveOf(visit, noise), curveOf(visit, noise, { start: 500 })]);
  assert.match(spectrum.notes.join(), /over 53.985 days, 100 % filled.*1 gap of more than 300 days closed/);
  assertClose(meanBetween(spectrum, 5, 283), 100 ** 2 / 283.21, { rtol: 5 / Math.sqrt(650) });

  const scattered = {
    ...curveOf(1000, noise),
    timeDays: Float64Array.from({ length: 1000 }, (_, k) => 110 * Math.floor(k / 10) + (k % 10) * CADENCE_DAYS),
  };
  assert.throws(() => lightCurveSpectrum([scattered]), {
    name: "DataError",
    message:
      /^Cannot use "star.fits": the samples of its light curve, 1765.5 s apart, fill 0.18\d* % of 10890 days, expected at least 2 %; are its times in days\?$/,
  });
  const even = curveOf(1000, noise);
  const inSeconds = { ...even, timeDays: even.timeDays.map((days) => 86400 * days) };
  assert.throws(() => lightCurveSpectrum([inSeconds]), {
    name: "DataError",
    message:
      'Cannot use "star.fits": the samples of its light curve are 1765.5 days apart, expected at most 1 day; are its times in days?',
  });
});

test("too few samples or days, and a low fill, are said", () => {
  const short = curveOf(500, (t) => t);
  assert.throws(() => lightCurveSpectrum([short]), {
    name: "DataError",
    message:
      'Cannot use "star.fits": its light curve has 500 usable samples over 10.217 days, expected at least 300 over 12 days',
  });
  assert.throws(() => lightCurveSpectrum([{ ...short, flux: short.flux.map(() => Number.NaN) }]), {
    name: "DataError",
    message: 'Cannot use "star.fits": its light curve has 0 usable samples, expected at least 300 over 12 days',
  });
  const random = new Random(8);
  const sparse = curveOf(9000, () => random.normal(), { isKept: (index) => index % 3000 < 1000 });
  assert.match(lightCurveSpectrum([sparse]).notes.join(), /43 % filled.*less than half of the time is filled/);
});

/** A series whose power spectrum has the given limit, ppm²/µHz at (k + 1) / T: random amplitudes, transformed. */
function drawSeries(limit: Float64Array, count: number, stepUHz: number, random: Random): Float64Array {
  const size = 2 ** 17; // a power of two, of which `count` samples are used
  const spectrum = new Float64Array(2 * size);
  for (let k = 1; k < size / 2; k++) {
    const frequencyUHz = (k / size) * (1e6 / CADENCE_S);
    const bin = Math.min(limit.length - 1, Math.max(0, Math.round(frequencyUHz / stepUHz) - 1));
    // A cosine of variance P δν, whose amplitude has two normal parts.
    const deviation = Math.sqrt((limit[bin]! * 1e6) / CADENCE_S / size);
    spectrum[2 * k] = deviation * random.normal();
    spectrum[2 * k + 1] = deviation * random.normal();
  }
  const out = new Float64Array(2 * size);
  new FFT(size).transform(out, spectrum);
  return Float64Array.from({ length: count }, (_, index) => out[2 * index]!);
}

test("the light curve of a simulated star, with Kepler's gaps, gives back its limit spectrum in the mean", () => {
  const random = new Random(9);
  const stepUHz = 0.00787104;
  const grid = { points: 35982, firstFrequencyUHz: stepUHz, stepUHz };
  const { limit } = simulateStar({ prior: "population" }, { seed: 4 }, { grid });
  const samples = 71963;
  // A day without data each month, a longer gap each quarter, and three quarters missing: 66 % filled.
  const isKept = (index: number): boolean =>
    index % 1440 < 1390 && index % 4380 < 4310 && !(index > 20000 && index < 33000) && random.uniform() < 0.98;
  const curves = 4;
  const sum = new Float64Array(grid.points);
  for (let curve = 0; curve < curves; curve++) {
    const series = drawSeries(limit, samples, stepUHz, random);
    const spectrum = lightCurveSpectrum([curveOf(samples, (_, index) => series[index]!, { isKept, start: 131 })]);
    assertClose(spectrum.frequencyUHz[0]!, stepUHz, { rtol: 1e-3 });
    spectrum.power.forEach((power, bin) => {
      sum[bin]! += power / curves;
    });
  }
  const bins = 1000; // 7.9 µHz
  for (let first = 300; first + bins < 35900; first += bins) {
    const total = (powers: Float64Array): number => powers.subarray(first, first + bins).reduce((a, b) => a + b, 0);
    assertClose(total(sum), total(limit), { rtol: 0.1, what: `${(first * stepUHz).toFixed(0)} µHz` });
  }
});
