/** The measurement of a small network: what it reports, and that results do not depend on the threads. */

import assert from "node:assert/strict";
import test from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { benchNetwork } from "../../src/bench/network";
import { benchSweep } from "../../src/bench/sweep";
import { parseConfig } from "../../src/config";
import { selectEngine } from "../../src/engine";
import { createModel } from "../../src/model/create-model";
import { Random } from "../../src/random";
import { Adam } from "../../src/train/adam";
import { applyGradients, batchGradients } from "../../src/train/step";

const config = parseConfig("compact", { heads: ["dnu", "numax"], engine: "native" });
const options = { config, points: 2000, batchSize: 3, threads: 2, rounds: 1, steps: 2 };

test("a measurement names each op with its cost, and its times add up to the step", async () => {
  const result = await benchNetwork({ ...options, what: "train" });
  assert.equal(result.ours.seconds_per_step.count, 2);
  assert.ok(result.ours.cpu_seconds_per_step.median > 0);
  assert.ok(result.yardsticks && result.yardsticks.product_gflops > 0 && result.yardsticks.stream_gb_per_s > 0);
  assert.match(result.machine.isa ?? "", /^(portable|avx2|avx512)$/);
  assert.equal(result.ratio, null);
  const names = result.ops.map(({ op }) => op.split(" ")[0]);
  for (const op of [
    "convBlockForward",
    "convBlockBackward",
    "lstmForward",
    "lstmBackward",
    "denseForward",
    "adamUpdate",
  ])
    assert.ok(names.includes(op), op);
  for (const row of result.ops) {
    assert.ok(row.gflop_per_step > 0 && row.mb_per_step > 0 && Number.isFinite(row.share_of_roof), row.op);
  }
  const [adam] = result.ops.filter(({ op }) => op === "adamUpdate");
  assert.ok(Math.abs(adam!.mb_per_step - (28 * result.parameters) / 1e6) < 1e-9);
  const shares = result.ops.reduce((sum, { share }) => sum + share, 0);
  assert.ok(shares > 0 && shares < 1, `ops take ${shares} of the step`);
  assert.ok(Math.abs(1 - shares - result.share_outside_ops) < 1e-12);
});

test("inference runs no backward op, and a sweep measures every value", async () => {
  const { points } = await benchSweep("batch", { ...options, what: "infer", steps: 1 });
  assert.deepEqual(
    points.map(({ value, batch }) => [value, batch]),
    [
      [1, 1],
      [3, 3],
    ],
  );
  for (const { ops } of points) assert.ok(ops.every(({ op }) => !op.includes("Backward") && op !== "adamUpdate"));
});

test("a measurement leaves no tensors behind", async () => {
  await selectEngine("native");
  const { numTensors } = tf.memory();
  for (const what of ["train", "infer"] as const) await benchNetwork({ ...options, what, steps: 1 });
  assert.equal(tf.memory().numTensors, numTensors);
});

test("training gives the same weights bit for bit on 1, 2 and 3 threads", async () => {
  const trained: Float32Array[][] = [];
  for (const threads of [1, 2, 3]) {
    await selectEngine("native", { threads });
    const model = createModel(config, options.points);
    const optimizer = new Adam(model.parameters);
    const random = new Random(3);
    const spectra = Float32Array.from({ length: 3 * options.points }, () => 1e-3 - Math.log(random.uniform()));
    const targets = Int32Array.of(4, 5, 6, 7, 8, 9);
    for (let step = 0; step < 3; step++) {
      const examples = { spectra, targets, size: 3 };
      const gradients = batchGradients(model, config.loss, examples, { seed: 1, step });
      const value = { learningRate: 1e-3, beta1: 0.9 };
      applyGradients(optimizer, gradients.tensors, { value, clipNorm: 1, divisor: 1 });
    }
    trained.push([...model.parameters.values()].map((variable) => (variable.dataSync() as Float32Array).slice()));
    model.dispose();
  }
  await selectEngine("native", { threads: 2 });
  assert.deepEqual(trained[1], trained[0]);
  assert.deepEqual(trained[2], trained[0]);
});
