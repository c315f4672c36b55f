/** Costs, rates and shares of the breakdown, against sums done by hand. */

import assert from "node:assert/strict";
import test from "node:test";
import { roof, rooflineOf } from "../../src/bench/roofline";
import { sweepValues, widened } from "../../src/bench/sweep";
import { parseConfig } from "../../src/config";
import { loadAddon } from "../../src/engine/native/addon";
import {
  adamCost,
  convBlockBackwardCost,
  convBlockForwardCost,
  denseBackwardCost,
  denseForwardCost,
  lstmBackwardCost,
  lstmForwardCost,
} from "../../src/engine/native/cost";

const yardsticks = { product_gflops: 200, stream_gb_per_s: 20 };

test("an op's rates, intensity and shares follow from its operations, bytes and median time", () => {
  const step = (seconds: number) => new Map([["op", { calls: 2, seconds, flop: 4e9, nominalFlop: 40e9, bytes: 1e9 }]]);
  const [row] = rooflineOf([step(0.1), step(0.5), step(0.2)], [0.4, 0.8, 0.4], yardsticks);
  assert.ok(row);
  assert.equal(row.calls_per_step, 2);
  assert.deepEqual(row.ms_per_step, { median: 200, minimum: 100, maximum: 500, count: 3 });
  assert.ok(Math.abs(row.share - 0.5) < 1e-12); // 0.8 s of 1.6 s
  assert.equal(row.gflop_per_step, 4);
  assert.equal(row.gflops, 20); // 4 GFLOP in 0.2 s
  assert.equal(row.nominal_gflops, 200);
  assert.equal(row.gb_per_s, 5);
  assert.equal(row.intensity, 4);
  assert.equal(row.share_of_product_rate, 0.1);
  assert.equal(row.share_of_bandwidth, 0.25);
  assert.equal(row.share_of_roof, 0.25); // memory allows 4 * 20 = 80 GFLOP/s
});

test("the roof is memory below the ridge and the product rate above it", () => {
  assert.equal(roof(2, yardsticks), 40);
  assert.equal(roof(10, yardsticks), 200);
  assert.equal(roof(1000, yardsticks), 200);
});

test("rows come in order of their share, with no share of yardsticks that were not measured", () => {
  const counters = (seconds: number) => ({ calls: 1, seconds, flop: 1, nominalFlop: 1, bytes: 1 });
  const steps = [
    new Map([
      ["small", counters(0.1)],
      ["large", counters(0.3)],
    ]),
  ];
  const rows = rooflineOf(steps, [1], null);
  assert.deepEqual(
    rows.map(({ op, share_of_roof }) => [op, share_of_roof]),
    [
      ["large", null],
      ["small", null],
    ],
  );
});

test("nominal operations are those of the plain sums, bytes those of the arrays", () => {
  const conv = { batch: 2, length: 100, inChannels: 3, outChannels: 5, kernel: 7 };
  const product = 2 * 2 * 100 * 3 * 5 * 7;
  const weights = 5 * 3 * 7 + 3 * 5;
  const forward = convBlockForwardCost(conv, 1000);
  assert.equal(forward.nominalFlop, product);
  assert.equal(forward.bytes, 4 * (2 * 100 * 3 + weights + 2 * 34 * 5 + 1000));
  const backward = convBlockBackwardCost(conv, 1000, true);
  assert.equal(backward.nominalFlop, 2 * product);
  assert.equal(backward.bytes, 4 * (2 * 34 * 5 + 1000 + 2 * weights + 2 * 100 * 3));
  assert.equal(convBlockBackwardCost(conv, 1000, false).nominalFlop, product);

  const lstm = { batch: 2, steps: 3, inputs: 5, units: 7 };
  assert.equal(lstmForwardCost(lstm, 0).flop, 2 * 2 * 3 * 28 * (5 + 7));
  assert.equal(lstmForwardCost(lstm, 0).bytes, 4 * (30 + 28 * (5 + 7 + 2) + 42));
  assert.equal(lstmBackwardCost(lstm).flop, 2 * lstmForwardCost(lstm, 0).flop);

  const dense = { batch: 2, inputs: 5, outputs: 7, tanh: false };
  assert.equal(denseForwardCost(dense).flop, 2 * 2 * 5 * 7);
  assert.equal(denseForwardCost(dense).bytes, 4 * (10 + 42 + 14));
  assert.equal(denseBackwardCost(dense).flop, 4 * 2 * 5 * 7);
  assert.equal(adamCost(10).bytes, 280);
});

test("a convolution executes its plain sums where it is direct, a tenth or less where it is spectral", () => {
  const addon = loadAddon();
  const first = { batch: 2, length: 35692, inChannels: 1, outChannels: 16, kernel: 51 };
  const forward = { backward: false, wantsDx: false };
  assert.equal(addon.convBlockFlop({ ...first, ...forward }), 2 * 2 * 35692 * 16 * 51);
  const fourth = { batch: 32, length: 1322, inChannels: 64, outChannels: 128, kernel: 51 };
  const nominal = 2 * 32 * 1322 * 64 * 128 * 51;
  const executed = addon.convBlockFlop({ ...fourth, ...forward });
  assert.ok(executed < nominal / 10 && executed > nominal / 40, `${executed} of ${nominal}`);
  // dx and dW: the same products twice, one transform of the signals less than two forward passes.
  const back = addon.convBlockFlop({ ...fourth, backward: true, wantsDx: true });
  assert.ok(back > 1.4 * executed && back < 2 * executed, `${back} against ${executed}`);
  assert.throws(() => addon.convBlockFlop({ ...fourth, ...forward, kernel: 50 }), /convBlockFlop: kernel must be odd/);
});

test("a sweep halves batch, length and threads, and scales every layer's width", () => {
  const limits = { batchSize: 12, points: 35692, threads: 2 };
  assert.deepEqual(sweepValues("batch", limits), [1, 3, 6, 12]);
  assert.deepEqual(sweepValues("length", limits), [2230, 4461, 8923, 17846, 35692]);
  assert.deepEqual(sweepValues("threads", limits), [1, 2]);
  assert.deepEqual(sweepValues("width", limits), [0.25, 0.5, 1]);
  const half = widened(parseConfig("compact", { filters: [1, 8, 3] }), 0.5);
  assert.deepEqual([half.filters, half.lstm_units, half.dense_units], [[1, 4, 2], [32, 32], 64]);
});
