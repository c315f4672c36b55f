import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import type { Loss } from "../../src/config";
import { type Communicator, singleCommunicator } from "../../src/distributed";
import { selectEngine } from "../../src/engine";
import { createModel } from "../../src/model/create-model";
import { batchLoss } from "../../src/model/loss";
import { openForValidation, openTraining, openValidation } from "../../src/train/datasets";
import { evaluate, evaluatePrior, priorOf } from "../../src/train/evaluate";
import { targetsOf } from "../../src/train/targets";
import { assertClose } from "../assert-close";
import { temporaryFolder } from "../data/make-shard";
import { POINTS, tinyConfig, writeTinyData } from "./tiny-run";

async function tiny(t: TestContext, loss: Loss = "sparse_categorical_crossentropy") {
  await selectEngine("native", { threads: 2 });
  const config = tinyConfig(writeTinyData(temporaryFolder(t)), { loss, dropout: 0.5 });
  const model = createModel(config, POINTS);
  const dataset = await openForValidation(config.data_dir, config, POINTS);
  t.after(async () => {
    model.dispose();
    await dataset.close();
  });
  return { config, model, dataset };
}

for (const loss of ["sparse_categorical_crossentropy", "mean_squared_error", "gaussian_nll"] as const) {
  test(`evaluate() gives the loss that training with ${loss} minimises, without dropout`, async (t) => {
    const { config, model, dataset } = await tiny(t, loss);
    const evaluation = await evaluate(model, dataset, { loss, batchSize: 24 });
    assert.equal(evaluation.rows, 24);
    for await (const batch of dataset.batches({ order: dataset.order(0, 0, false), batchSize: 24 })) {
      const targets = targetsOf(config.loss, batch, dataset.classEdges);
      const dtype = loss === "sparse_categorical_crossentropy" ? "int32" : "float32";
      const outputs = model.forward(tf.tensor2d(batch.spectra, [24, POINTS]));
      const expected = batchLoss(loss, outputs, tf.tensor2d(targets, [24, 2], dtype)).dataSync();
      assertClose(evaluation.loss, expected[0]!, { rtol: 1e-5 });
    }
    const sum = Object.values(evaluation.parameters).reduce((total, scores) => total + scores.loss, 0);
    assertClose(sum, evaluation.loss, { rtol: 1e-12 });
  });
}

test("evaluate() does not depend on the batch size, and leaves no tensors behind", async (t) => {
  const { model, dataset } = await tiny(t);
  const loss = "sparse_categorical_crossentropy";
  const { numTensors } = tf.memory();
  const whole = await evaluate(model, dataset, { loss, batchSize: 24 });
  const rows: number[] = [];
  const parts = await evaluate(model, dataset, { loss, batchSize: 7, onBatch: ({ size }) => rows.push(size) });
  assert.equal(tf.memory().numTensors, numTensors);
  assert.deepEqual(rows, [7, 7, 7, 3]);
  assertClose(parts.loss, whole.loss, { rtol: 1e-6 });
  for (const head of ["numax", "inc"]) {
    assert.equal(parts.parameters[head]!.accuracy, whole.parameters[head]!.accuracy);
    assertClose(parts.parameters[head]!.mae, whole.parameters[head]!.mae, { rtol: 1e-5 });
  }
});

/** Ranks in one process, which meet in `gather`. */
function meetingRanks(size: number): Communicator[] {
  const parts: Float64Array[] = [];
  let meet: (all: Float64Array) => void;
  const met = new Promise<Float64Array>((resolve) => {
    meet = resolve;
  });
  return Array.from({ length: size }, (_, rank) => ({
    ...singleCommunicator(),
    ...{ rank, size },
    gather: (array: Float64Array) => {
      parts[rank] = array;
      if (parts.filter(() => true).length === size) meet(Float64Array.from(parts.flatMap((part) => [...part])));
      return met;
    },
  }));
}

test("ranks that share the rows all have the means over all of them", async (t) => {
  const { model, dataset } = await tiny(t);
  const options = { loss: "sparse_categorical_crossentropy", batchSize: 10 } as const;
  const whole = await evaluate(model, dataset, options);
  assert.ok(Object.values(whole.parameters).some(({ accuracy }) => accuracy > 0 && accuracy < 1));
  const shared = await Promise.all(meetingRanks(3).map((comm) => evaluate(model, dataset, { ...options, comm })));
  for (const { rows, loss, parameters } of shared) {
    assert.equal(rows, 24);
    assertClose(loss, whole.loss, { rtol: 1e-6 });
    for (const [head, scores] of Object.entries(parameters)) {
      assert.equal(scores.accuracy, whole.parameters[head]!.accuracy);
      assertClose([scores.loss, scores.mae], [whole.parameters[head]!.loss, whole.parameters[head]!.mae], {
        rtol: 1e-5,
      });
    }
  }
});

test("the prior's loss is the cross-entropy with the training set's smoothed class frequencies", async (t) => {
  const { config } = await tiny(t);
  const [training, heldOut] = [await openTraining(config), await openValidation(config, POINTS)];
  const prior = priorOf(training, config.loss);
  const { loss, rows } = evaluatePrior(prior, heldOut, config.loss);
  assert.equal(rows, 8);
  let expected = 0;
  [4, 2].forEach((classes, head) => {
    const counts = new Array<number>(classes).fill(1);
    for (let row = 0; row < training.rows; row++) counts[training.labels(row)[head]!]!++;
    const total = counts.reduce((sum, count) => sum + count, 0);
    for (let row = 0; row < 8; row++) expected -= Math.log(counts[heldOut.labels(row)[head]!]! / total) / 8;
  });
  assertClose(loss, expected, { rtol: 1e-12 });
  await training.close();
  await heldOut.close();
});

test("the prior of a regression is the mean, with the variance for gaussian_nll", async (t) => {
  const { config, dataset } = await tiny(t, "gaussian_nll");
  const scaled = Array.from({ length: dataset.rows }, (_, row) => dataset.values(row)[0]! / 300);
  const mean = scaled.reduce((sum, value) => sum + value, 0) / scaled.length;
  const variance = scaled.reduce((sum, value) => sum + (value - mean) ** 2, 0) / scaled.length;
  assertClose(priorOf(dataset, config.loss).get("numax")!, [mean, Math.log(variance)], { rtol: 1e-5 });
  const { parameters } = evaluatePrior(priorOf(dataset, "mean_squared_error"), dataset, "mean_squared_error");
  assertClose(parameters.numax!.loss, variance, { rtol: 1e-5 });
});
