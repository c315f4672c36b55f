/** Steps whose numbers are none: where that is seen, what is kept, and what the setting on_nan does. */

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { readTorchFile, saveWeights, type TorchDict, type TorchTensor } from "../../src/checkpoint";
import type { ConfigSpec } from "../../src/config";
import { Dataset } from "../../src/data/dataset";
import type { Batch, BatchOptions } from "../../src/data/source";
import { selectEngine } from "../../src/engine";
import { createModel } from "../../src/model/create-model";
import { explosionWatch } from "../../src/train/anomaly";
import { train } from "../../src/train/loop";
import { readMetrics } from "../../src/train/metrics-file";
import type { TrainRecord, ValidationRecord } from "../../src/train/records";
import type { TrainEvent } from "../../src/train/reports";
import { assertClose } from "../assert-close";
import { temporaryFolder } from "../data/make-shard";
import { POINTS, tinyConfig, writeTinyData } from "./tiny-run";

async function run(t: TestContext, spec: ConfigSpec, path = temporaryFolder(t), restore = false) {
  const events: TrainEvent[] = [];
  const config = tinyConfig(writeTinyData(temporaryFolder(t)), {
    engine: "native",
    shuffle: false,
    num_epochs: 2,
    ...spec,
  });
  const training = train(config, { path, restore, onEvent: (event) => events.push(event) });
  const error: unknown = await training.then(
    () => null,
    (reason) => reason,
  );
  const steps = events.filter((event): event is TrainRecord => event.kind === "train");
  const lines = events.flatMap((event) => (event.kind === "log" ? [event.text] : []));
  return { path, message: (error as Error | null)?.message ?? null, steps, lines };
}

/** From now on the batches that start at the given positions of the training order hold a NaN. */
function poison(t: TestContext, starts: readonly number[]): void {
  const { batches } = Dataset.prototype;
  t.mock.method(Dataset.prototype, "batches", async function* (this: Dataset, options: BatchOptions) {
    let start = options.start ?? 0;
    for await (const batch of batches.call(this, options)) {
      if (this.rows === 16 && starts.includes(start)) batch.spectra[5] = Number.NaN;
      start = batch.nextStart;
      yield batch as Batch;
    }
  });
}

test("a NaN in a batch ends the run with step, layer and rows, and the batch is kept", async (t) => {
  poison(t, [8]); // the third of four steps
  const { path, message, steps } = await run(t, {});
  const file = join(path, "anomaly-step-3.pth");
  const pattern =
    /^Training diverged at step 3 \(epoch 1\): the loss is NaN; first seen in the output of log power, rows .*data_001\.npy\[0\], .*data_001\.npy\[1\], .*data_001\.npy\[2\]\.\.\.; the batch is kept in "(.*)"; lower max_lr or learning_rate, set clip_norm, or set on_nan to "skip"; the last checkpoint is untouched$/;
  assert.match(message!, pattern);
  assert.equal(pattern.exec(message!)![1], file);
  assert.equal(steps.length, 2);
  const kept = (await readTorchFile(file)) as TorchDict;
  assert.equal(kept.get("step"), 3);
  assert.equal(kept.get("place"), "the output of log power");
  assert.deepEqual(kept.get("heads"), ["numax", "inc"]);
  assert.equal((kept.get("rows") as string[]).length, 4);
  const spectra = kept.get("spectra") as TorchTensor;
  assert.deepEqual(spectra.shape, [4, POINTS]);
  assert.deepEqual(
    [...spectra.data].flatMap((value, at) => (Number.isNaN(value) ? [at] : [])),
    [5],
  );
  assert.deepEqual((kept.get("targets") as TorchTensor).shape, [4, 2]);
  assert.ok((kept.get("model_state_dict") as TorchDict).has("conv1.weight"));
});

test("on_nan skip leaves the weights, says so, and goes on", async (t) => {
  poison(t, [8]);
  const spec = { on_nan: "skip", dropout: 0 };
  const { message, steps, lines, path } = await run(t, spec);
  assert.equal(message, null);
  assert.deepEqual(
    steps.map(({ step }) => step),
    [1, 2, 4, 5, 6, 8],
  );
  assert.ok(steps.every(({ loss }) => Number.isFinite(loss)));
  const skipped = lines.filter((line) => line.startsWith("skipped the update at step "));
  assert.deepEqual(
    skipped.map((line) => /step (\d+) \(epoch (\d)\)/.exec(line)!.slice(1)),
    [
      ["3", "1"],
      ["7", "2"],
    ],
  );
  // The epoch's loss is the mean over the rows that were used.
  const [validation] = (await readMetrics(path)).filter(({ kind }) => kind === "validation") as ValidationRecord[];
  assertClose(validation!.train_loss, (steps[0]!.loss + steps[1]!.loss + steps[2]!.loss) / 3, { rtol: 1e-12 });
  assert.deepEqual(
    readdirSync(path).filter((name) => name.startsWith("anomaly")),
    ["anomaly-step-3.pth", "anomaly-step-7.pth"],
  );
});

test("on_nan skip ends the run after ten bad steps in a row, with three batches kept", async (t) => {
  poison(t, [0, 4, 8, 12]);
  const { message, path, steps } = await run(t, { on_nan: "skip", num_epochs: 4 });
  assert.match(
    message!,
    /^Training diverged at step 11 \(epoch 3\): .*, as in the 10 steps before; the last checkpoint is untouched$/,
  );
  assert.equal(steps.length, 0);
  assert.deepEqual(
    readdirSync(path).filter((name) => name.startsWith("anomaly")),
    ["anomaly-step-1.pth", "anomaly-step-2.pth", "anomaly-step-3.pth"],
  );
});

test("a validation loss that is no number is never the best", async (t) => {
  const init = await initialWeights(t, (weights) => weights.get("linear.bias")!.data.fill(Number.NaN));
  const { message, path } = await run(t, { init, on_nan: "skip" }); // eight steps, all skipped
  assert.equal(message, null);
  const validations = (await readMetrics(path)).filter(({ kind }) => kind === "validation") as ValidationRecord[];
  assert.deepEqual(
    validations.map(({ loss, is_best }) => [loss, is_best]),
    [
      [null, false],
      [null, false],
    ],
  );
  assert.equal(readdirSync(path).includes("is_best.pth"), false);
});

test("a fault in accumulated batches is found in the batch that has it", async (t) => {
  poison(t, [4]);
  const { message } = await run(t, { accumulate: 2 });
  assert.match(message!, /^Training diverged at step 1 .* rows .*data_000\.npy\[4\], /);
});

test("weights that are no numbers are named", async (t) => {
  const { message } = await run(t, {
    init: await initialWeights(t, (weights) => weights.get("lstm1.bias_ih_l0")!.data.fill(Number.NaN)),
  });
  assert.match(message!, /at step 1 \(epoch 1\): the loss is NaN; first seen in parameter lstm1\.bias_ih_l0, rows /);
});

test("an overflow is named by its layer", async (t) => {
  const { message } = await run(t, {
    init: await initialWeights(t, (weights) => weights.get("conv2.weight")!.data.fill(3e38)),
  });
  assert.match(message!, /first seen in the output of conv2, rows /);
});

test("a gradient that overflows while the loss does not is named by its parameter", async (t) => {
  // Trunk of 0.00625 in 8 units, head weights w: (0.05 w)² = 6e37 a row of 4, the trunk's gradient 2 · 0.05 w² / 4 = 6e38.
  const init = await initialWeights(
    t,
    (weights) => {
      weights.get("linear.weight")!.data.fill(0);
      weights.get("linear.bias")!.data.fill(0.00625);
      weights.get("linear_numax.weight")!.data.fill(1.58e20);
    },
    { loss: "mean_squared_error" },
  );
  const { message } = await run(t, { init, loss: "mean_squared_error", dropout: 0 });
  assert.match(message!, /the gradient's norm is (NaN|Infinity); first seen in the gradient of linear\.bias, rows /);
});

test("a loss of three times the prior's is reported once", () => {
  const watch = explosionWatch(2);
  assert.equal(watch(6, 1), null);
  assert.equal(watch(Number.NaN, 2), null);
  assert.equal(
    watch(7, 3),
    "warning: the loss exploded at step 3: 7.000, 3.5 times that of the prior alone; lower max_lr or learning_rate",
  );
  assert.equal(watch(70, 4), null);
  assert.equal(explosionWatch(-0.1)(2.9, 1), null);
  assert.notEqual(explosionWatch(-0.1)(3.1, 1), null);
});

test("a run whose loss explodes says so once, however many epochs follow", async (t) => {
  const { lines } = await run(t, { schedule: "constant", learning_rate: 30, clip_norm: null, num_epochs: 3 });
  const warnings = lines.filter((line) => line.startsWith("warning: the loss exploded at step "));
  assert.equal(warnings.length, 1, lines.join("\n"));
});

/** A file of initial weights, changed. */
async function initialWeights(
  t: TestContext,
  change: (weights: Map<string, { data: Float32Array }>) => void,
  spec: ConfigSpec = {},
): Promise<string> {
  await selectEngine("native");
  const model = createModel(tinyConfig("unused", spec), POINTS);
  const weights = model.stateDict();
  model.dispose();
  change(weights as Map<string, { data: Float32Array }>);
  const path = join(temporaryFolder(t), "init.pth");
  await saveWeights(path, weights, null);
  return path;
}
