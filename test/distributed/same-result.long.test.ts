import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import test from "node:test";
import { promisify } from "node:util";
import { loadCheckpointFile } from "../../src/checkpoint";
import { simulateDataset } from "../../src/simulate";
import { readMetrics } from "../../src/train/metrics-file";
import { projectRoot } from "../../src/version";
import { temporaryFolder } from "../data/make-shard";
import { findMpi } from "./launch-ranks";

const STEPS = 52;
const BATCH = 32;
const RTOL = 1e-5;

const { skip } = findMpi("openmpi");

test("52 steps of the compact network at its own rate, 2e-3: the same losses and weights on 1, 2, 3 and 4 ranks", {
  skip,
  timeout: 3600_000,
}, async (t) => {
  const data = temporaryFolder(t);
  await simulateDataset({ out: data, shards: 2, validationShards: 1, spectraPerShard: (BATCH * STEPS) / 2 });
  const runs: { losses: number[]; weights: unknown }[] = [];
  for (const ranks of [1, 2, 3, 4]) {
    const path = join(temporaryFolder(t), "run");
    const settings = [
      "num_epochs=1",
      "compare_every=10",
      `data_dir=${data}`,
      "schedule=constant",
      "learning_rate=0.002",
    ];
    await promisify(execFile)(process.execPath, [
      ...[join(projectRoot, "bin", "asterolab.js"), "train", "--path", path, "--restore", "no", "--preset", "compact"],
      ...(ranks > 1 ? ["--ranks", String(ranks)] : []),
      ...settings.flatMap((setting) => ["--set", setting]),
    ]);
    const losses = (await readMetrics(path)).flatMap((record) => (record.kind === "train" ? [record.loss] : []));
    const { model } = await loadCheckpointFile(join(path, "model.pth"));
    runs.push({ losses, weights: model });
  }
  const [one, ...others] = runs as [(typeof runs)[number], ...typeof runs];
  assert.equal(one.losses.length, STEPS);
  assert.ok(one.losses.at(-1)! < 0.95 * one.losses[0]!, `the loss fell from ${one.losses[0]} to ${one.losses.at(-1)}`);
  for (const [index, { losses, weights }] of others.entries()) {
    const far = Math.max(...losses.map((loss, step) => Math.abs(loss / one.losses[step]! - 1)));
    t.diagnostic(`${index + 2} ranks: losses within ${far} of one rank's`);
    assert.ok(far <= RTOL, `losses on ${index + 2} ranks are up to ${far} off`);
    assert.deepEqual(weights, one.weights, `the weights of ${index + 2} ranks, bit for bit`);
  }
});
