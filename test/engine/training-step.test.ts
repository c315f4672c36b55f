/** A whole training step on the native engine: nothing runs in JavaScript, nothing leaks, both engines agree. */

import assert from "node:assert/strict";
import test from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { engineStatistics, resetEngineStatistics, selectEngine } from "../../src/engine";
import { Model, type ModelOptions } from "../../src/model/model";
import { Random } from "../../src/random";
import { Adam } from "../../src/train/adam";
import { accumulate, applyGradients, batchGradients, type Examples } from "../../src/train/step";
import { assertClose } from "../assert-close";

const CLASSES = new Map([
  ["dnu", 11],
  ["dp", 5],
  ["q", 3],
] as const) as ModelOptions["classes"];
const POINTS = 200;

function network(options: Partial<ModelOptions> = {}): Model {
  const sizes = { filters: [4, 6, 8], kernelSize: 51, lstmUnits: [12, 16], denseUnits: 10, dropout: 0.25 };
  return new Model({ classes: CLASSES, shape: POINTS, ...sizes, posEnc: true, seed: 3, ...options });
}

function examples(size: number): Examples {
  const random = new Random(8, size);
  const spectra = Float32Array.from({ length: size * POINTS }, () => -Math.log(random.uniform()) + 1e-3);
  const counts = [...CLASSES.values()];
  const targets = Int32Array.from({ length: size * counts.length }, (_, i) =>
    random.integer(counts[i % counts.length]!),
  );
  return { spectra, targets, size };
}

/** Losses and norms of some steps, with a batch of another size among them. */
function train(model: Model, steps: number): number[] {
  const optimizer = new Adam(model.parameters);
  const numbers: number[] = [];
  for (let step = 0; step < steps; step++) {
    const training = { seed: 1, step };
    const first = batchGradients(model, "sparse_categorical_crossentropy", examples(8), training);
    const second = batchGradients(model, "sparse_categorical_crossentropy", examples(step % 2 ? 5 : 8), training);
    const { loss, tensors, size } = accumulate(accumulate(null, first), second);
    const value = { learningRate: 1e-3, beta1: 0.9 } as Parameters<typeof applyGradients>[2]["value"];
    numbers.push(loss, applyGradients(optimizer, tensors, { value, clipNorm: 1, divisor: size }));
  }
  return numbers;
}

test("no op of a training step falls back to JavaScript, and no tensor is left over", async () => {
  await selectEngine("native", { threads: 2 });
  tf.env().set("IS_TEST", true);
  const model = network();
  train(model, 2);
  resetEngineStatistics();
  const before = { ...tf.memory() };
  train(model, 3);
  assert.deepEqual([...engineStatistics().fallbacks.keys()], []);
  // Adam's own state is the only thing that stays: two moments per parameter.
  assert.equal(tf.memory().numTensors - before.numTensors, 2 * model.parameters.size);
});

test("evaluation without dropout does not fall back either", async () => {
  await selectEngine("native", { threads: 2 });
  const model = network();
  resetEngineStatistics();
  tf.tidy(() => model.forward(tf.tensor2d(examples(3).spectra, [3, POINTS])).map((logits) => logits.dataSync()));
  assert.deepEqual([...engineStatistics().fallbacks.keys()], []);
});

test("the native and the cpu engine train alike, dropout on", async () => {
  await selectEngine("cpu");
  const expected = train(network(), 3);
  await selectEngine("native", { threads: 2 });
  assertClose(train(network(), 3), expected, { rtol: 1e-4 });
});

test("the number of threads does not change a single bit of training", async () => {
  const runs: { numbers: number[]; weights: Float32Array[] }[] = [];
  for (const threads of [1, 2, 3]) {
    await selectEngine("native", { threads });
    const model = network();
    const numbers = train(model, 3);
    runs.push({ numbers, weights: [...model.stateDict().values()].map(({ data }) => data as Float32Array) });
  }
  assert.deepEqual(runs[1], runs[0]);
  assert.deepEqual(runs[2], runs[0]);
});
