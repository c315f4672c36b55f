/** Runs in mixed precision: they learn what float32 learns, and are restored bit for bit. */

import assert from "node:assert/strict";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { loadCheckpointFile } from "../../src/checkpoint";
import type { ConfigSpec } from "../../src/config";
import { train } from "../../src/train/loop";
import { readMetrics } from "../../src/train/metrics-file";
import { temporaryFolder } from "../data/make-shard";
import { skipOf } from "../engines";
import { tinyConfig, writeTinyData } from "./tiny-run";

const skip = skipOf("tensorflow");
const MIXED: ConfigSpec = { engine: "tensorflow", precision: "mixed" };

async function lossesOf(t: TestContext, data: string, spec: ConfigSpec): Promise<number[]> {
  const path = temporaryFolder(t);
  await train(tinyConfig(data, spec), { path, restore: false });
  const records = await readMetrics(path);
  return records.flatMap((record) => (record.kind === "validation" ? [record.train_loss, record.loss] : []));
}

test("training in mixed precision follows float32 epoch by epoch", { skip }, async (t) => {
  const data = writeTinyData(temporaryFolder(t), { shards: 5, rows: 16 });
  const spec = { num_epochs: 8, num_batchsize: 8, filters: [6, 8], seed: 4 };
  const mixed = await lossesOf(t, data, { ...spec, ...MIXED });
  const float32 = await lossesOf(t, data, { ...spec, engine: "tensorflow" });
  assert.equal(mixed.length, 16);
  assert.notDeepEqual(mixed, float32);
  for (const [index, loss] of mixed.entries()) {
    const expected = float32[index]!;
    assert.ok(Math.abs(loss - expected) <= 0.1, `epoch ${1 + (index >> 1)}: ${loss}, in float32 ${expected}`);
  }
  // A tenth is little of what was learned.
  assert.ok(mixed[1]! - mixed.at(-1)! > 0.7, `${mixed[1]} -> ${mixed.at(-1)}`);
});

test("a restored run goes on in mixed precision, to the weights of an unbroken one", { skip }, async (t) => {
  const data = writeTinyData(temporaryFolder(t));
  const [straight, broken] = [temporaryFolder(t), temporaryFolder(t)];
  await train(tinyConfig(data, MIXED), { path: straight, restore: false });
  const end = new AbortController();
  await train(tinyConfig(data, MIXED), {
    path: broken,
    restore: false,
    signal: end.signal,
    onEvent: (event) => {
      if (event.kind === "train" && event.step === 6) end.abort();
    },
  });
  const { state: middle } = await loadCheckpointFile(join(broken, "checkpoint.pth"));
  assert.equal(middle!.step, 6);
  assert.equal(middle!.config.precision, "mixed");
  await train(tinyConfig(data, MIXED), { path: broken, restore: true });
  const [expected, actual] = await Promise.all(
    [straight, broken].map(async (path) => (await loadCheckpointFile(join(path, "model.pth"))).state!),
  );
  assert.deepEqual(actual!.model, expected!.model);
  assert.deepEqual(actual!.optimizer, expected!.optimizer);
});

test("the weights are float32's own, and a run may change its precision", { skip }, async (t) => {
  const data = writeTinyData(temporaryFolder(t));
  const path = temporaryFolder(t);
  await train(tinyConfig(data, { ...MIXED, num_epochs: 1 }), { path, restore: false });
  const { model } = await loadCheckpointFile(join(path, "model.pth"));
  for (const name of ["conv1.weight", "linear.weight"]) {
    const { buffer } = Float32Array.from(model.get(name)!.data as Float32Array);
    assert.ok(
      new Uint32Array(buffer).some((word) => (word & 0xffff) !== 0),
      `${name} is rounded to bfloat16`,
    );
  }
  const lines: string[] = [];
  await train(tinyConfig(data, { engine: "native", num_epochs: 2 }), {
    path,
    restore: true,
    onEvent: (event) => event.kind === "log" && lines.push(event.text),
  });
  assert.ok(lines.includes('setting precision was "mixed", is now "float32"'), lines.join("\n"));
});
