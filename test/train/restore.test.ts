import assert from "node:assert/strict";
import { appendFileSync, existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { loadCheckpointFile, TorchTensor, writeTorchFile } from "../../src/checkpoint";
import type { ConfigSpec } from "../../src/config";
import { train } from "../../src/train/loop";
import { readMetrics } from "../../src/train/metrics-file";
import type { MetricsRecord } from "../../src/train/records";
import type { TrainEvent } from "../../src/train/reports";
import { temporaryFolder } from "../data/make-shard";
import { ENGINES, skipOf } from "../engines";
import { tinyConfig, writeTinyData } from "./tiny-run";

/** Trains until `isEnd` says so of an event, or to the end. */
async function run(
  t: TestContext,
  options: {
    data: string;
    path?: string;
    restore?: boolean;
    spec?: ConfigSpec;
    isEnd?: (event: TrainEvent) => boolean;
  },
) {
  const { path = temporaryFolder(t), restore = false, isEnd = () => false } = options;
  const end = new AbortController();
  const lines: string[] = [];
  const result = await train(tinyConfig(options.data, { engine: "native", ...options.spec }), {
    path,
    restore,
    signal: end.signal,
    onEvent(event) {
      if (event.kind === "log") lines.push(event.text);
      if (isEnd(event)) end.abort();
    },
  });
  return { path, result, lines };
}

/** Everything of the final state that an unbroken run and a restored one must share, bit for bit. */
async function finalState(path: string) {
  const { state, model } = await loadCheckpointFile(join(path, "model.pth"));
  const { config: _, sums, ...rest } = state!;
  return { ...rest, model, epochLossSum: sums.epoch_loss_sum, patienceLoss: sums.patience_loss };
}

/** The metrics without their times. */
async function timeless(path: string) {
  const records: (MetricsRecord & { samples_per_s?: number })[] = await readMetrics(path);
  return records.map(({ training_seconds: _, samples_per_s: __, ...rest }) => rest);
}

const isValidationOf = (epoch: number) => (event: TrainEvent) => event.kind === "validation" && event.epoch === epoch;
const isStep = (step: number) => (event: TrainEvent) => event.kind === "train" && event.step === step;

for (const engine of ENGINES) {
  test(`five epochs straight and three + restore + two are the same run on ${engine}`, {
    skip: skipOf(engine),
  }, async (t) => {
    const data = writeTinyData(temporaryFolder(t), { shards: 3, rows: 6 });
    const spec = { engine, num_batchsize: 5, filters: engine === "cpu" ? [2, 2] : [4, 4] };
    const straight = await run(t, { data, spec });
    assert.equal(straight.result.stopped, "finished");

    const first = await run(t, { data, spec, isEnd: isValidationOf(3) });
    assert.deepEqual(
      { stopped: first.result.stopped, epoch: first.result.epoch, step: first.result.step },
      { stopped: "interrupted", epoch: 3, step: 9 },
    );
    assert.equal(existsSync(join(first.path, "model.pth")), false);
    const second = await run(t, { data, spec, path: first.path, restore: true });
    assert.deepEqual(await finalState(second.path), await finalState(straight.path));
    assert.deepEqual(await timeless(second.path), await timeless(straight.path));
    assert.equal(second.result.step, 15);
  });
}

test("a run stopped within an epoch goes on with the next batch, sums and counters included", async (t) => {
  const data = writeTinyData(temporaryFolder(t));
  const spec = { accumulate: 2, num_batchsize: 3, num_epochs: 2, pos_enc: true, log_every: 1 };
  const straight = await run(t, { data, spec }); // 16 rows: 6 batches, 3 steps an epoch
  const first = await run(t, { data, spec, isEnd: isStep(5) });
  assert.equal(first.result.epoch, 1);
  const second = await run(t, { data, spec, path: first.path, restore: true });
  assert.deepEqual(await finalState(second.path), await finalState(straight.path));
  assert.deepEqual(await timeless(second.path), await timeless(straight.path));
  assert.ok(second.lines.some((line) => /^continues from ".*checkpoint\.pth" after epoch 1, step 5$/.test(line)));
});

test("a run that was killed goes on from its last checkpoint, and its metrics are not doubled", async (t) => {
  const data = writeTinyData(temporaryFolder(t));
  const spec = { checkpoint_every_steps: 3, num_epochs: 2 };
  const straight = await run(t, { data, spec });
  const path = temporaryFolder(t);
  // A listener that throws ends the run as a crash does: within step 4, with the checkpoint of step 3.
  const crash = (event: TrainEvent): boolean => {
    if (event.kind === "train" && event.step === 4) throw new Error("killed");
    return false;
  };
  await assert.rejects(run(t, { data, spec, path, isEnd: crash }), /killed/);
  appendFileSync(join(path, "metrics.jsonl"), '{"kind":"tra');
  const second = await run(t, { data, spec, path, restore: true });
  assert.ok(second.lines.some((line) => line.endsWith("after epoch 0, step 3")));
  assert.deepEqual(await finalState(path), await finalState(straight.path));
  assert.deepEqual(await timeless(path), await timeless(straight.path));
});

test("a damaged newest checkpoint is set aside and the one before it used", async (t) => {
  const data = writeTinyData(temporaryFolder(t));
  const straight = await run(t, { data });
  const first = await run(t, { data, isEnd: isValidationOf(3) });
  const names = readdirSync(first.path).filter((name) => name.endsWith(".pth"));
  assert.deepEqual(names.filter((name) => name.startsWith("checkpoint")).sort(), [
    "checkpoint-1.pth",
    "checkpoint-2.pth",
    "checkpoint-3.pth",
    "checkpoint.pth",
  ]);
  for (const name of ["checkpoint.pth", "checkpoint-3.pth"]) truncateSync(join(first.path, name), 2000);
  const second = await run(t, { data, path: first.path, restore: true });
  assert.ok(
    second.lines.some((line) => line.includes("checkpoint.pth") && line.includes("kept as")),
    second.lines.join("\n"),
  );
  assert.deepEqual(await finalState(second.path), await finalState(straight.path));
  assert.deepEqual(await timeless(second.path), await timeless(straight.path));
});

test("restoring a finished run changes nothing", async (t) => {
  const data = writeTinyData(temporaryFolder(t));
  const first = await run(t, { data, spec: { num_epochs: 1 } });
  const metrics = await readMetrics(first.path);
  const second = await run(t, { data, spec: { num_epochs: 1 }, path: first.path, restore: true });
  assert.equal(second.result.stopped, "finished");
  assert.equal(second.result.validation, null);
  assert.deepEqual(await readMetrics(first.path), metrics);
});

test("restoring in a fresh folder starts a new run and says so", async (t) => {
  const data = writeTinyData(temporaryFolder(t));
  const path = join(temporaryFolder(t), "runs", "a");
  const { lines, result } = await run(t, { data, path, restore: true, spec: { num_epochs: 1 } });
  assert.equal(result.stopped, "finished");
  assert.ok(lines.includes(`no checkpoint in "${path}": a new run starts`));
});

test("more epochs may be asked for when a run is restored; the change is logged", async (t) => {
  const data = writeTinyData(temporaryFolder(t));
  const first = await run(t, { data, spec: { num_epochs: 1 } });
  const { result, lines } = await run(t, { data, spec: { num_epochs: 2 }, path: first.path, restore: true });
  assert.equal(result.epoch, 2);
  assert.ok(lines.includes("setting num_epochs was 1, is now 2"));
});

test("a new run in a folder that holds one moves the older one aside", async (t) => {
  const data = writeTinyData(temporaryFolder(t));
  const first = await run(t, { data, spec: { num_epochs: 1 } });
  writeFileSync(join(first.path, "notes.txt"), "mine");
  const older = await finalState(first.path);
  const { lines } = await run(t, { data, spec: { num_epochs: 1, seed: 2 }, path: first.path });
  assert.ok(lines.includes(`the older run in "${first.path}" was moved to its subfolder "previous-1"`));
  assert.deepEqual(await finalState(join(first.path, "previous-1")), older);
  assert.notDeepEqual(await finalState(first.path), older);
  assert.equal(readFileSync(join(first.path, "notes.txt"), "utf8"), "mine");
  assert.equal((await readMetrics(first.path)).length, 5);
  await run(t, { data, spec: { num_epochs: 1 }, path: first.path });
  assert.ok(existsSync(join(first.path, "previous-2", "model.pth")));
});

test("a checkpoint of another network or other data is refused, and the run in the folder stays", async (t) => {
  const data = writeTinyData(temporaryFolder(t));
  const { path } = await run(t, { data, spec: { num_epochs: 1 } });
  const newest = join(path, "checkpoint.pth");
  const before = readdirSync(path).sort();
  const other = { name: "CheckpointError", path: newest };
  await assert.rejects(run(t, { data, path, restore: true, spec: { kernel_size: 5 } }), {
    ...other,
    message: `Cannot restore the run from "${newest}": it was trained with kernel_size 9, the setting now is 5; use --restore no for a new run`,
  });
  await assert.rejects(run(t, { data, path, restore: true, spec: { heads: ["inc"] } }), {
    ...other,
    message: `Cannot restore the run from "${newest}": it was trained with heads ["numax","inc"], the setting now is ["inc"]; use --restore no for a new run`,
  });
  const elsewhere = writeTinyData(temporaryFolder(t), { shards: 2 });
  await assert.rejects(run(t, { data: elsewhere, path, restore: true }), {
    ...other,
    message: `Cannot restore the run from "${newest}": it was trained on other data than "${elsewhere}" holds now; to go on with new data, start a new run with the setting init "${newest}"`,
  });
  assert.deepEqual(readdirSync(path).sort(), before);
});

test("weights without a run are no checkpoint to restore; the error says how to use them", async (t) => {
  const data = writeTinyData(temporaryFolder(t));
  const { path: source } = await run(t, { data, spec: { num_epochs: 1 } });
  const { model } = await loadCheckpointFile(join(source, "model.pth"));
  const path = temporaryFolder(t);
  const file = join(path, "checkpoint.pth");
  const tensors = [...model].map(
    ([name, { shape, data: values }]) => [name, new TorchTensor("float32", shape, values)] as const,
  );
  await writeTorchFile(file, new Map(tensors));
  await assert.rejects(run(t, { data, path, restore: true }), {
    name: "CheckpointError",
    message: `Cannot restore the run from "${file}": it holds weights but no run of Asterolab; to start from its weights, use the setting init`,
  });
});

test("a run that goes on with larger batches counts the iterations of its epoch by them", async (t) => {
  const data = writeTinyData(temporaryFolder(t));
  const spec = { num_epochs: 2, log_every: 1 };
  const first = await run(t, { data, spec: { ...spec, num_batchsize: 8 }, isEnd: isValidationOf(1) }); // 2 steps
  const second = await run(t, { data, spec: { ...spec, num_batchsize: 2 }, path: first.path, restore: true });
  const iterations = second.lines.flatMap((line) => /iteration (\S+)/.exec(line)?.slice(1) ?? []);
  assert.deepEqual(
    iterations,
    Array.from({ length: 8 }, (_, step) => `${step + 1}/8`),
  );
});

test("the training loss of an epoch is the mean over the rows it used, when its filter changed half-way", async (t) => {
  const data = writeTinyData(temporaryFolder(t));
  const spec = { num_epochs: 1, num_batchsize: 3 };
  const first = await run(t, { data, spec, isEnd: isStep(4) });
  const second = await run(t, { data, spec: { ...spec, rows_per_shard: 4 }, path: first.path, restore: true });
  const losses = (await readMetrics(second.path)).flatMap((record) => (record.kind === "train" ? [record.loss] : []));
  const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  assert.ok(Math.abs(second.result.trainLoss! / mean - 1) < 1e-12, `${second.result.trainLoss} is not ${mean}`);
});
