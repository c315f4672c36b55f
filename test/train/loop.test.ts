import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { loadCheckpointFile } from "../../src/checkpoint";
import { type ConfigSpec, parseConfig } from "../../src/config";
import { train } from "../../src/train/loop";
import { readMetrics } from "../../src/train/metrics-file";
import type { TrainRecord, ValidationRecord } from "../../src/train/records";
import type { TrainEvent } from "../../src/train/reports";
import { oneCycle } from "../../src/train/schedule";
import { assertClose } from "../assert-close";
import { labelColumns, temporaryFolder, writeNpy } from "../data/make-shard";
import { POINTS, tinyConfig, writeTinyData } from "./tiny-run";

async function run(
  t: TestContext,
  spec: ConfigSpec,
  { data = writeTinyData(temporaryFolder(t)), path = temporaryFolder(t) } = {},
) {
  const events: TrainEvent[] = [];
  const config = tinyConfig(data, { engine: "native", ...spec });
  const result = await train(config, { path, restore: false, onEvent: (event) => events.push(event) });
  const steps = events.filter((event): event is TrainRecord => event.kind === "train");
  const validations = events.filter((event): event is ValidationRecord => event.kind === "validation");
  const lines = events.flatMap((event) => (event.kind === "log" ? [event.text] : []));
  return { path, data, config, result, steps, validations, lines };
}

test("a run writes its config, metrics, events, log and checkpoints into its folder", async (t) => {
  const { path, config, result, steps, validations, lines } = await run(t, { num_epochs: 4, keep: 2 });
  const names = readdirSync(path).sort();
  assert.deepEqual(
    names.filter((name) => !name.startsWith("events.")),
    [
      ...["checkpoint-3.pth", "checkpoint-4.pth", "checkpoint.pth", "config.json"],
      ...["is_best.pth", "metrics.jsonl", "model.pth", "rank-0.log"],
    ],
  );
  assert.equal(names.filter((name) => name.startsWith("events.out.tfevents.")).length, 1);
  const stored = JSON.parse(readFileSync(join(path, "config.json"), "utf8"));
  assert.deepEqual(parseConfig("default", stored), config);
  const interleaved = await readMetrics(path);
  assert.deepEqual(
    interleaved.filter(({ kind }) => kind === "train"),
    steps,
  );
  assert.deepEqual(
    interleaved.filter(({ kind }) => kind === "validation"),
    validations,
  );
  // 16 spectra in batches of 4: four steps an epoch.
  assert.deepEqual(interleaved.map(({ kind, epoch, step }) => `${kind} ${epoch} ${step}`).slice(3, 6), [
    "train 1 4",
    "validation 1 4",
    "train 2 5",
  ]);
  assert.equal(result.step, 16);
  const log = readFileSync(join(path, "rank-0.log"), "utf8");
  for (const line of lines) assert.ok(log.includes(` ${line}\n`));
  assert.ok(
    lines.some((line) => /^epoch 2\/4 {2}shard \d+ {2}iteration 2\/4 {2}mean loss \d/.test(line)),
    lines.join("\n"),
  );
  assert.ok(lines.some((line) => line.startsWith("epoch 4/4  training loss ")));
});

test("a final model holds the reference's keys and the last losses", async (t) => {
  const { path, result, validations } = await run(t, { num_epochs: 2 });
  const { epoch, trainLoss, valLoss, scheduler, state } = await loadCheckpointFile(join(path, "model.pth"));
  assert.equal(epoch, 2);
  assert.equal(trainLoss, result.trainLoss);
  assert.equal(valLoss, validations[1]!.loss);
  assert.equal(scheduler!.totalSteps, 8);
  assert.equal(scheduler!.step, 8);
  assert.equal(state!.points, POINTS);
});

test("the learning rate follows one cycle over all steps of the run", async (t) => {
  const { steps } = await run(t, { num_epochs: 3, max_lr: 1e-2 });
  const schedule = oneCycle({ maxLearningRate: 1e-2, totalSteps: 12 });
  assert.deepEqual(
    steps.map(({ learning_rate, beta1 }) => ({ learningRate: learning_rate, beta1 })),
    steps.map((_, step) => schedule.at(step)),
  );
});

test("the schedule may advance once an epoch over a given number of steps, as the original's", async (t) => {
  const { steps } = await run(t, { num_epochs: 2, schedule_interval: "epoch", steps_per_epoch: 20, max_lr: 5e-4 });
  const schedule = oneCycle({ maxLearningRate: 5e-4, totalSteps: 40 });
  assert.deepEqual(
    steps.map(({ learning_rate }) => learning_rate),
    steps.map((_, step) => schedule.at(step < 4 ? 0 : 1).learningRate),
  );
});

test("a constant schedule uses learning_rate at every step", async (t) => {
  const { steps } = await run(t, { num_epochs: 1, schedule: "constant", learning_rate: 3e-3 });
  assert.deepEqual(
    steps.map(({ learning_rate, beta1 }) => [learning_rate, beta1]),
    steps.map(() => [3e-3, 0.9]),
  );
});

test("a setting that another leaves without effect is named in the log", async (t) => {
  const { lines } = await run(t, { num_epochs: 1, learning_rate: 3e-3 });
  assert.ok(lines.includes('setting learning_rate (0.003) has no effect: the schedule "one_cycle" goes by max_lr'));
});

test("the training loss of an epoch is the mean over its spectra, the last smaller batch included", async (t) => {
  const { steps, validations } = await run(t, { num_epochs: 1, num_batchsize: 6 });
  assert.equal(steps.length, 3); // 6 + 6 + 4 spectra
  const [first, second, third] = steps.map(({ loss }) => loss);
  const mean = (6 * first! + 6 * second! + 4 * third!) / 16;
  assert.ok(Math.abs(validations[0]!.train_loss / mean - 1) < 1e-12);
});

test("equal settings give the same run, another seed another one", async (t) => {
  const data = writeTinyData(temporaryFolder(t));
  const runs = [];
  for (const seed of [1, 1, 2]) runs.push(await run(t, { num_epochs: 1, seed }, { data }));
  const [first, second, other] = runs.map(({ steps }) => steps.map(({ loss, gradient_norm }) => [loss, gradient_norm]));
  assert.deepEqual(first, second);
  assert.notDeepEqual(first, other);
});

test("validation every second epoch also happens after the last one", async (t) => {
  const { validations, lines } = await run(t, { num_epochs: 3, validation: { every_epochs: 2 } });
  assert.deepEqual(
    validations.map(({ epoch }) => epoch),
    [2, 3],
  );
  assert.ok(lines.some((line) => /^epoch 1\/3 {2}training loss [\d.]+$/.test(line)));
});

test("early stopping ends the run after epochs without improvement, with its final model", async (t) => {
  const spec = {
    num_epochs: 9,
    schedule: "constant",
    learning_rate: 1e-9,
    early_stopping: { patience: 2, min_delta: 0.5 },
  };
  const { result, path } = await run(t, spec);
  assert.deepEqual({ stopped: result.stopped, epoch: result.epoch }, { stopped: "early", epoch: 3 });
  assert.ok(existsSync(join(path, "model.pth")));
});

test("is_best.pth is the state with the lowest validation loss", async (t) => {
  const { path, validations, result } = await run(t, { num_epochs: 4, max_lr: 3e-2 });
  const lowest = validations.reduce((best, record) => (record.loss < best.loss ? record : best));
  const best = await loadCheckpointFile(join(path, "is_best.pth"));
  assert.equal(best.valLoss, lowest.loss);
  assert.equal(best.epoch, lowest.epoch);
  assert.deepEqual(result.best, { loss: lowest.loss, epoch: lowest.epoch });
  let smallest = Number.POSITIVE_INFINITY;
  for (const { loss, is_best } of validations) {
    assert.equal(is_best, loss < smallest);
    smallest = Math.min(smallest, loss);
  }
});

test("a run may start from the weights of a file", async (t) => {
  const { path: source, data } = await run(t, { num_epochs: 1 });
  const init = join(source, "model.pth");
  const { path } = await run(t, { num_epochs: 1, init, schedule: "constant", learning_rate: 1e-12 }, { data });
  const [then, now] = await Promise.all([init, join(path, "model.pth")].map(loadCheckpointFile));
  for (const [name, { data: values }] of now!.model) {
    values.forEach((value, index) => {
      assert.ok(Math.abs(value - then!.model.get(name)!.data[index]!) < 1e-7, `${name}[${index}]`);
    });
  }
});

test("a run with other class edges starts from the densities of a file's heads", async (t) => {
  const { path: source, data } = await run(t, { num_epochs: 1 });
  const init = join(source, "model.pth");
  const edges = { numax: [0, 37.5, 75, 112.5, 150, 187.5, 225, 262.5, 300], inc: [-1, 45, 91] };
  const spec = { num_epochs: 1, init, edges, schedule: "constant", learning_rate: 1e-12 };
  const { path } = await run(t, spec, { data });
  const [then, now] = await Promise.all([init, join(path, "model.pth")].map(loadCheckpointFile));
  const old = then!.model.get("linear_numax.bias")!.data;
  const expected = Float64Array.from({ length: 2 * old.length }, (_, index) => old[index >> 1]! - Math.LN2);
  assertClose(now!.model.get("linear_numax.bias")!.data, expected, { rtol: 0, atol: 1e-6 });
});

test("a regression with other class edges starts from the values of a file's heads", async (t) => {
  for (const loss of ["mean_squared_error", "gaussian_nll"]) {
    const { path: source, data, validations } = await run(t, { num_epochs: 2, loss });
    const init = join(source, "model.pth");
    const edges = { numax: [-50, 100, 400], inc: [-10, 45, 120] };
    const spec = { num_epochs: 1, loss, init, edges, schedule: "constant", learning_rate: 1e-12 };
    const { validations: after } = await run(t, spec, { data });
    for (const head of ["numax", "inc"]) {
      const [then, now] = [validations[1]!.parameters[head]!.mae, after[0]!.parameters[head]!.mae];
      assertClose(now, then, { rtol: 1e-5, what: `${loss} ${head}` });
    }
  }
});

test("weights of another network are refused before anything is written", async (t) => {
  const { path: source, data } = await run(t, { num_epochs: 1 });
  const init = join(source, "model.pth");
  const path = join(temporaryFolder(t), "runs");
  await assert.rejects(run(t, { init, filters: [4, 8] }, { data, path }), {
    name: "CheckpointError",
    message: `Cannot load checkpoint "${init}": conv2.weight has shape [4, 4, 9], expected [8, 4, 9] (and 4 more that do not fit)`,
  });
  assert.equal(existsSync(path), false);
});

test("regression losses train and report errors in the parameters' units", async (t) => {
  for (const loss of ["mean_squared_error", "gaussian_nll"] as const) {
    const { validations, steps } = await run(t, { loss, num_epochs: 6, dropout: 0, max_lr: 2e-2 });
    assert.ok(steps.at(-1)!.loss < steps[0]!.loss, loss);
    const { numax, inc } = validations.at(-1)!.parameters;
    assert.ok(numax!.mae > 1 && numax!.mae < 150, `${loss}: ${numax!.mae} µHz`);
    assert.ok(inc!.mae > 1 && inc!.mae < 60, `${loss}: ${inc!.mae} degrees`);
  }
});

test("validation spectra may come from another folder, and then all shards train", async (t) => {
  const other = writeTinyData(temporaryFolder(t), { shards: 1, rows: 5 });
  const { validations, steps } = await run(t, { num_epochs: 1, validation: { data_dir: other } });
  assert.equal(validations[0]!.rows, 5);
  assert.equal(steps.length, 6); // 24 spectra in batches of 4
});

test("a loss that is no longer a number ends the run with the step, and keeps the last checkpoint", async (t) => {
  const path = temporaryFolder(t);
  const spec = { schedule: "constant", learning_rate: 1e30, clip_norm: null, num_epochs: 2 };
  await assert.rejects(run(t, spec, { path }), {
    name: "Error",
    message:
      /^Training diverged at step \d+ \(epoch \d\): (the loss is|the gradient's norm is) (NaN|Infinity|-Infinity); first seen in .+, rows .+; the batch is kept in ".+"; lower max_lr or learning_rate, set clip_norm, or set on_nan to "skip"; the last checkpoint is untouched$/,
  });
  assert.equal(existsSync(join(path, "model.pth")), false);
});

test("bad data ends in the data's error, and nothing is written", async (t) => {
  const path = join(temporaryFolder(t), "runs", "a");
  const data = temporaryFolder(t);
  await assert.rejects(run(t, {}, { data: join(data, "missing"), path }), { name: "DataError" });
  await assert.rejects(run(t, {}, { data, path }), { name: "DataError" });
  writeTinyData(data);
  await assert.rejects(run(t, { filter: [{ column: "numax", op: ">", value: 1e6 }] }, { data, path }), {
    name: "DataError",
  });
  assert.equal(existsSync(path), false);
});

test("a bad power ends the run with file, row and column", async (t) => {
  const data = writeTinyData(temporaryFolder(t), { shards: 2, rows: 3 });
  const bad = join(data, "data_000.npy");
  const row = [...new Array<number>(POINTS).fill(1), ...labelColumns({ 34: 100 })];
  writeNpy(bad, [row, row.map((value, column) => (column === 7 ? Number.NaN : value)), row]);
  await assert.rejects(run(t, { num_epochs: 1 }, { data }), { name: "DataError", path: bad, row: 1, column: 7 });
});

test("a run's folder that is a file is refused", async (t) => {
  const path = join(temporaryFolder(t), "file");
  writeFileSync(path, "");
  await assert.rejects(run(t, {}, { path }), {
    name: "DataError",
    message: `Cannot make folder "${path}": a file is in the way`,
  });
});

test("runs leave no tensors behind", async (t) => {
  const data = writeTinyData(temporaryFolder(t));
  await run(t, { num_epochs: 1, pos_enc: true }, { data });
  const { numTensors } = tf.memory();
  await run(t, { num_epochs: 1, pos_enc: true }, { data });
  assert.equal(tf.memory().numTensors, numTensors);
});
