import assert from "node:assert/strict";
import test from "node:test";
import { PARAMETERS } from "../../src/data/parameters";
import { cumulative, posteriorOf, quantile, softmax } from "../../src/predict/posteriors";
import { Random } from "../../src/random";
import { assertClose } from "../assert-close";

/** Logits whose softmax is `probabilities`. */
const logitsOf = (probabilities: readonly number[]): number[] =>
  probabilities.map((p) => Math.log(Math.max(p, 1e-300)));

test("softmax equals PyTorch's, and does not overflow", () => {
  // torch.softmax(torch.tensor([1, 2, -3.5, 0.25], dtype=torch.float64), 0)
  const expected = [0.23799565517471036, 0.6469392647136201, 0.0026438929094525668, 0.11242118720221715];
  assertClose(softmax([1, 2, -3.5, 0.25]), expected, { rtol: 1e-14 });
  assertClose(softmax([1001, 1002, 996.5, 1000.25]), expected, { rtol: 1e-12 });
});

test("quantiles are interpolated inside their class", () => {
  const [probabilities, edges] = [
    [0.2, 0, 0.5, 0.3],
    [0, 1, 2, 4, 5],
  ];
  // The distribution function by hand: 0.2 at 1 and 2, 0.7 at 4, 1 at 5.
  const expected: Record<number, number> = { 0.1: 0.5, 0.2: 1, 0.45: 3, 0.7: 4, 0.85: 4.5, 1: 5 };
  for (const [fraction, value] of Object.entries(expected)) {
    assertClose(quantile(probabilities, edges, Number(fraction)), value, { atol: 1e-12, what: fraction });
  }
  assert.equal(quantile([0.5, 0.5 - 1e-15], [0, 1, 2], 1), 2);
});

test("the cumulative probability is the inverse of the quantile, 0 and 1 beyond the edges", () => {
  const [probabilities, edges] = [
    [0.2, 0, 0.5, 0.3],
    [0, 1, 2, 4, 5],
  ];
  for (const [value, below] of [
    [-1, 0],
    [0, 0],
    [0.5, 0.1],
    [1.5, 0.2],
    [3, 0.45],
    [4.5, 0.85],
    [5, 1],
    [9, 1],
  ] as const) {
    assertClose(cumulative(probabilities, edges, value), below, { atol: 1e-12, what: String(value) });
  }
});

test("fine logarithmic classes give the mean and the quantiles of the density they stand for", () => {
  const edges = Float64Array.from({ length: 301 }, (_, k) => 0.95 * (19.5 / 0.95) ** (k / 300));
  const [mean, deviation] = [4.2, 0.3];
  const probabilities = Array.from(edges.subarray(1), (edge, k) => {
    const [z0, z1] = [(edges[k]! - mean) / deviation, (edge - mean) / deviation];
    return (Math.exp(-0.5 * ((z0 + z1) / 2) ** 2) * (z1 - z0)) / Math.sqrt(2 * Math.PI);
  });
  const posterior = posteriorOf("dnu", logitsOf(probabilities), edges);
  assertClose(posterior.mean, mean, { atol: 1e-3 });
  assertClose(posterior.median, mean, { atol: 1e-3 });
  // scipy.stats.norm.ppf(0.84) = 0.994458, norm.ppf(0.975) = 1.959964; a class is 0.045 wide there.
  assertClose(posterior.interval68, [mean - 0.994458 * deviation, mean + 0.994458 * deviation], { atol: 2e-3 });
  assertClose(posterior.interval95, [mean - 1.959964 * deviation, mean + 1.959964 * deviation], { atol: 2e-3 });
});

test("a posterior has mean, median, mode and intervals in the parameter's unit", () => {
  const edges = Float64Array.of(4, 5, 6, 8);
  const posterior = posteriorOf("dnu", logitsOf([0.2, 0.5, 0.3]), edges, { withLogits: true });
  assertClose(posterior.probabilities, [0.2, 0.5, 0.3], { rtol: 1e-12 });
  assertClose(posterior.mean, 0.2 * 4.5 + 0.5 * 5.5 + 0.3 * 7, { rtol: 1e-12 });
  assertClose(posterior.median, 5.6, { rtol: 1e-12 });
  assert.equal(posterior.mode, 5.5);
  assertClose(posterior.interval68, [4 + 0.16 / 0.2, 6 + (2 * 0.14) / 0.3], { rtol: 1e-12 });
  assertClose(posterior.interval95, [4.125, 6 + (2 * 0.275) / 0.3], { rtol: 1e-12 });
  assert.equal(posterior.unit, "µHz");
  assertClose(posterior.logits!, logitsOf([0.2, 0.5, 0.3]));
  assert.equal(posteriorOf("dnu", [0, 0, 0], edges).logits, undefined);
});

test("a phase that straddles 0 has its mean, median and interval there, not at one half", () => {
  const { edges } = PARAMETERS.epg; // ten classes of 0.1
  const probabilities = [0.3, 0.1, 0, 0, 0, 0, 0, 0, 0.2, 0.4];
  const { mean, median, mode, interval68, interval95 } = posteriorOf("epg", logitsOf(probabilities), edges);
  // Unrolled from 0.5: 0.2 in [0.8, 0.9], 0.4 in [0.9, 1.0], 0.3 in [1.0, 1.1], 0.1 in [1.1, 1.2].
  assertClose(median, 0.9 + (0.1 * 0.3) / 0.4, { atol: 1e-9 });
  assertClose(interval68, [0.88, 1.08], { atol: 1e-9 });
  assertClose(interval95, [0.8125, 1.175], { atol: 1e-9 });
  assertClose(mode, 0.95, { atol: 1e-12 });
  assert.ok(Math.abs(mean - 0.98) < 0.005, `mean ${mean}`);
});

test("circular summaries equal those of a finely sampled density, wherever it is centred and however wide", () => {
  const random = new Random(11);
  const uneven = Float64Array.of(0, 0.02, 0.1, 0.3, 0.34, 0.5, 0.75, 0.8, 1);
  for (let trial = 0; trial < 40; trial++) {
    const edges = trial % 2 === 0 ? PARAMETERS.epp.edges : uneven;
    const clamped = Array.from(edges, (edge) => Math.min(Math.max(edge, 0), 1));
    const [center, spread] = [random.uniform(), random.between(0.1, 0.45)];
    const weights = Array.from({ length: edges.length - 1 }, (_, k) => {
      const distance = (clamped[k]! + clamped[k + 1]!) / 2 - center;
      return Math.exp(-(((distance - Math.round(distance)) / spread) ** 2)) * random.between(0.5, 1.5);
    });
    const sum = weights.reduce((a, b) => a + b);
    const posterior = posteriorOf("epp", logitsOf(weights.map((weight) => weight / sum)), edges);
    // 2000 points per class, each with its share of the class's probability.
    const points = weights.flatMap((weight, k) =>
      Array.from({ length: 2000 }, (_, j) => ({
        phase: clamped[k]! + ((j + 0.5) / 2000) * (clamped[k + 1]! - clamped[k]!),
        weight: weight / sum / 2000,
      })),
    );
    let [re, im] = [0, 0];
    for (const { phase, weight } of points) {
      re += weight * Math.cos(2 * Math.PI * phase);
      im += weight * Math.sin(2 * Math.PI * phase);
    }
    const mean = Math.atan2(im, re) / (2 * Math.PI);
    const turn = (value: number): number => value - Math.round(value);
    assertClose(turn(posterior.mean - mean), 0, { atol: 1e-5, what: "mean" });
    // Distances from the mean, sorted: the quantiles of the density cut open opposite to it.
    const sorted = points.map(({ phase, weight }) => ({ distance: turn(phase - mean), weight }));
    sorted.sort((a, b) => a.distance - b.distance);
    const at = (fraction: number): number => {
      let below = 0;
      for (const { distance, weight } of sorted) {
        below += weight;
        if (below >= fraction) return distance;
      }
      return 0.5;
    };
    assertClose(turn(posterior.median - mean - at(0.5)), 0, { atol: 3e-4, what: "median" });
    for (const [interval, low, high] of [
      [posterior.interval68, 0.16, 0.84],
      [posterior.interval95, 0.025, 0.975],
    ] as const) {
      assertClose(turn(interval[0] - mean - at(low)), 0, { atol: 3e-4, what: "lower limit" });
      assertClose(interval[1] - interval[0], at(high) - at(low), { atol: 6e-4, what: "width" });
      assert.ok(interval[0] >= 0 && interval[0] < 1);
    }
    assert.ok(posterior.median >= 0 && posterior.median < 1);
  }
});

test("a uniform posterior spans what its quantiles say", () => {
  const { edges } = PARAMETERS.q;
  const { interval68, interval95 } = posteriorOf("q", new Float32Array(37), edges);
  const classes = (x: number): number => x * 37;
  assertClose(interval68[0], edges[5]! + (classes(0.16) - 5) * (edges[6]! - edges[5]!), { rtol: 1e-9 });
  assertClose(interval95[1], edges[36]! + (classes(0.975) - 36) * (edges[37]! - edges[36]!), { rtol: 1e-9 });
});

test("logits that are not finite, or too few, are refused", () => {
  const edges = Float64Array.of(0, 1, 2);
  assert.throws(() => posteriorOf("q", [0, Number.NaN], edges), {
    name: "RangeError",
    message: "Cannot read logits: logit 1 is NaN, expected a finite number",
  });
  assert.throws(() => posteriorOf("q", [0], edges), {
    name: "RangeError",
    message: 'Cannot read head "q": got 1 logits for 2 classes',
  });
});
