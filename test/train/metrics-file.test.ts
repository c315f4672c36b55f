import assert from "node:assert/strict";
import { appendFileSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { openAppend } from "../../src/train/append-file";
import { openMetrics, readMetrics } from "../../src/train/metrics-file";
import type { TrainRecord } from "../../src/train/records";
import { temporaryFolder } from "../data/make-shard";

const record = (step: number): TrainRecord => ({
  kind: "train",
  epoch: 1,
  step,
  loss: 1 / step,
  learning_rate: 1e-4,
  beta1: 0.9,
  gradient_norm: 1,
  samples_per_s: 10,
  training_seconds: step,
});

test("metrics are one JSON object a line, with the step that restored runs go by", async (t) => {
  const dir = temporaryFolder(t);
  const metrics = await openMetrics(dir);
  for (const step of [1, 2]) metrics.append(record(step));
  metrics.close();
  const lines = readFileSync(join(dir, "metrics.jsonl"), "utf8").split("\n");
  assert.equal(lines.length, 3);
  assert.equal(lines[2], "");
  assert.deepEqual(JSON.parse(lines[1]!), record(2));
});

test("a restored run drops the lines it will write again and one that was cut off", async (t) => {
  const dir = temporaryFolder(t);
  const first = await openMetrics(dir);
  for (const step of [1, 2, 3, 4]) first.append(record(step));
  first.close();
  appendFileSync(join(dir, "metrics.jsonl"), '{"kind":"train","epo');
  const second = await openMetrics(dir, 2);
  second.append(record(3));
  second.close();
  assert.deepEqual(await readMetrics(dir), [record(1), record(2), record(3)]);
});

test("readMetrics() of a folder without metrics gives none", async (t) => {
  assert.deepEqual(await readMetrics(temporaryFolder(t)), []);
});

test("a full disk ends in an error that names the file", { skip: process.platform !== "linux" }, (t) => {
  const path = join(temporaryFolder(t), "metrics.jsonl");
  symlinkSync("/dev/full", path);
  const file = openAppend(path);
  assert.throws(() => file.write("{}\n"), {
    name: "DataError",
    message: `Cannot write "${path}": no space left on the disk`,
  });
  file.close();
});

test("a folder that is not there ends in an error that names the file", (t) => {
  const path = join(temporaryFolder(t), "missing", "rank-0.log");
  assert.throws(() => openAppend(path), {
    name: "DataError",
    message: `Cannot write "${path}": no such file or folder`,
  });
});
