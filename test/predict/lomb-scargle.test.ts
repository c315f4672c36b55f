import assert from "node:assert/strict";
import test from "node:test";
import { lombScargle } from "../../src/predict/lomb-scargle";
import { Random } from "../../src/random";
import { assertClose } from "../assert-close";

/** The definition, sample by sample. */
function direct(times: Float64Array, values: Float64Array, step: number, count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, index) => {
    const omega = 2 * Math.PI * step * (index + 1);
    const sum = (term: (time: number, sample: number) => number): number => times.map(term).reduce((a, b) => a + b, 0);
    const tau =
      Math.atan2(
        sum((t) => Math.sin(2 * omega * t)),
        sum((t) => Math.cos(2 * omega * t)),
      ) /
      (2 * omega);
    const cos = (t: number): number => Math.cos(omega * (t - tau));
    const sin = (t: number): number => Math.sin(omega * (t - tau));
    return (
      (sum((t, sample) => values[sample]! * cos(t)) ** 2 / sum((t) => cos(t) ** 2) +
        sum((t, sample) => values[sample]! * sin(t)) ** 2 / sum((t) => sin(t) ** 2)) /
      2
    );
  });
}

const mean = (values: Float64Array): number => values.reduce((a, b) => a + b, 0) / values.length;

test("powers are those of astropy and scipy on an uneven series with a gap", () => {
  // astropy 8.0.2: LombScargle(t, y, fit_mean=False, center_data=False).power(f, normalization="psd", method="slow"),
  // scipy 1.17.1: lombscargle(t, y, 2 * pi * f); both with j = arange(300),
  // t = 50 + 0.0204 j + 0.002 sin j + where(j >= 120, 1.5, 0), y = cos 7t + 0.3 sin(j * j % 17), y -= y.mean().
  const times = Float64Array.from(
    { length: 300 },
    (_, j) => 50 + 0.0204 * j + 0.002 * Math.sin(j) + (j >= 120 ? 1.5 : 0),
  );
  const raw = times.map((t, j) => Math.cos(7 * t) + 0.3 * Math.sin((j * j) % 17));
  const values = raw.map((value) => value - mean(raw));
  const power = lombScargle(times, values, 0.13, 150);
  assertClose(
    [1, 7, 30, 31, 150].map((k) => power[k - 1]!),
    [7.51205863e-1, 1.42742067e1, 4.87057783e-2, 2.73889918e-2, 3.86373431e-3],
    { rtol: 2e-8 },
  );
});

test("powers are those of the definition at every frequency, in any order of the samples", () => {
  const random = new Random(1);
  for (const samples of [5, 64, 701]) {
    const times = Float64Array.from(
      { length: samples },
      (_, j) => -40 + 0.02 * j + 0.003 * random.normal() + (j > 300 ? 2 : 0),
    );
    const values = times.map(() => random.normal());
    const span = 0.02 * samples + 2;
    const expected = direct(times, values, 1 / span, samples);
    assertClose(lombScargle(times, values, 1 / span, samples), expected, { rtol: 1e-9, atol: 1e-9 });
    assertClose(lombScargle(times.slice().reverse(), values.slice().reverse(), 1 / span, samples), expected, {
      rtol: 1e-9,
      atol: 1e-9,
    });
  }
});

test("a sinusoid has the height N A²/4, white noise the mean of its variance, with a third of the samples missing", () => {
  const random = new Random(2);
  const all = Float64Array.from({ length: 12000 }, (_, j) => 0.02 * j);
  const times = all.filter((_, j) => j % 900 < 600);
  const step = 1 / 240;
  const sinusoid = lombScargle(
    times,
    times.map((t) => 3 * Math.sin(2 * Math.PI * 1200 * step * t + 1)),
    step,
    5999,
  );
  assert.equal(sinusoid.indexOf(Math.max(...sinusoid)), 1199);
  assertClose(sinusoid[1199]!, (times.length * 9) / 4, { rtol: 1e-3 });
  const noise = lombScargle(
    times,
    times.map(() => 5 * random.normal()),
    step,
    5999,
  );
  // About 4000 independent powers: 5 standard errors.
  assertClose(mean(noise), 25, { rtol: 5 / Math.sqrt(4000) });
});

test("the Nyquist frequency of an even series has a finite power", () => {
  const times = Float64Array.from({ length: 100 }, (_, j) => j);
  const power = lombScargle(
    times,
    times.map((_, j) => (j % 2 === 0 ? 1 : -1)),
    0.01,
    50,
  );
  assertClose(power[49]!, 50, { rtol: 1e-9 });
});
