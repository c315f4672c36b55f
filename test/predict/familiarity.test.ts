import assert from "node:assert/strict";
import test from "node:test";
import { distanceFrom, fitNeighbourhood } from "../../src/predict/familiarity";
import { STATISTICS, writeSpectrumStatistics } from "../../src/predict/spectrum-summary";
import { Random } from "../../src/random";
import { assertClose } from "../assert-close";

/** Correlated normal vectors: [rows * size] */
function vectors(rows: number, size: number, seed: number): Float32Array {
  const random = new Random(seed);
  const values = new Float32Array(rows * size);
  for (let row = 0; row < rows; row++) {
    const shared = random.normal();
    for (let i = 0; i < size; i++) values[row * size + i] = 3 * i + shared + (1 + i) * random.normal();
  }
  return values;
}

const every = (rows: number): Uint32Array => Uint32Array.from({ length: rows }, (_, row) => row);

test("the distance is Mahalanobis's", () => {
  const values = vectors(4000, 2, 1);
  const { mean, whitening } = fitNeighbourhood(values, 2, every(4000), 0.99)!;
  // The inverse of the 2 x 2 sample covariance, written out.
  let [a, b, c] = [0, 0, 0];
  for (let row = 0; row < 4000; row++) {
    const [x, y] = [values[2 * row]! - mean[0]!, values[2 * row + 1]! - mean[1]!];
    a += (x * x) / 3999;
    b += (x * y) / 3999;
    c += (y * y) / 3999;
  }
  const [x, y] = [2, -1];
  const expected = (c * x * x - 2 * b * x * y + a * y * y) / (a * c - b * b);
  assertClose(distanceFrom({ mean, whitening }, Float32Array.of(mean[0]! + x, mean[1]! + y)), expected, { rtol: 1e-3 });
});

test("the limit is a quantile of distances from the fit to all other rows", () => {
  const [rows, size] = [120, 5];
  const values = vectors(rows, size, 2);
  const { limit } = fitNeighbourhood(values, size, every(rows), 0.9)!;
  const leftOut = Array.from({ length: rows }, (_, row) => {
    const others = every(rows).filter((other) => other !== row);
    return distanceFrom(fitNeighbourhood(values, size, others, 0.9)!, values.subarray(row * size, (row + 1) * size));
  }).sort((x, y) => x - y);
  assertClose(limit, leftOut[108]!, { rtol: 1e-3 });
});

test("new vectors of the same kind stay within the limit as often as it says, others do not", () => {
  const [rows, size] = [6000, 8];
  const neighbourhood = fitNeighbourhood(vectors(rows, size, 3), size, every(rows), 0.995)!;
  const fresh = vectors(rows, size, 4);
  const beyond = every(rows).filter(
    (row) => distanceFrom(neighbourhood, fresh.subarray(row * size, (row + 1) * size)) > neighbourhood.limit,
  );
  // 30 expected, with a Poisson scatter of 5.5 in them and in the limit itself.
  assert.ok(beyond.length >= 8 && beyond.length <= 60, `${beyond.length} beyond the limit`);
  assert.ok(distanceFrom(neighbourhood, new Float32Array(size).fill(200)) > neighbourhood.limit);
});

test("too few rows make no neighbourhood; constant directions do not decide", () => {
  assert.equal(fitNeighbourhood(vectors(31, 8, 5), 8, every(31), 0.995), null);
  const flat = vectors(200, 3, 6);
  for (let row = 0; row < 200; row++) flat[3 * row + 1] = 7;
  const neighbourhood = fitNeighbourhood(flat, 3, every(200), 0.9)!;
  assert.ok(neighbourhood.limit > 0 && neighbourhood.limit < 20);
});

test("spectrum statistics tell level, distribution and correlation of the noise", () => {
  const random = new Random(8);
  const noise = Float32Array.from({ length: 12800 }, () => -5 * Math.log(random.uniform()));
  const out = new Float32Array(2 * STATISTICS);
  writeSpectrumStatistics(noise, out, STATISTICS);
  assert.equal(out[0], 0, "nothing before the offset");
  const statistics = out.subarray(STATISTICS);
  // The last band holds 3700 bins: ln 5, and less by Euler's constant for the mean logarithm.
  assertClose(statistics[28]!, Math.log(5), { atol: 0.06 });
  assertClose(statistics[28]! - statistics[29]!, 0.5772, { atol: 0.06 });
  assertClose(statistics[30]!, 0, { atol: 0.04 });
  writeSpectrumStatistics(
    noise.map((_, bin) => noise[bin - (bin % 2)]!),
    out,
    0,
  );
  assertClose(out[30]!, 0.5, { atol: 0.03 });
});
