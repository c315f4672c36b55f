/** A NaN in the rows of one rank: all ranks say which it is, and stop or skip together. Cases for every MPI. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { readTorchFile, type TorchDict } from "../../src/checkpoint";
import type { Implementation } from "../../src/distributed/addon";
import { readMetrics } from "../../src/train/metrics-file";
import { temporaryFolder } from "../data/make-shard";
import { writeTinyData } from "../train/tiny-run";
import { resultOf } from "./failure-cases";
import { assertGone, findMpi, launchRanks } from "./launch-ranks";

/** Steps of four rows in the order of the data, two to each of two ranks; the third step begins at row 8. */
const SPEC = { num_epochs: 2, num_batchsize: 4, shuffle: false, dropout: 0 };
const NAN = { rank: 1, start: 8 };
const TIMEOUT_MS = 300_000;
/** What all ranks say of it. */
const WHERE = `the loss is NaN; first seen by rank 1 on ${hostname()} in the output of log power, rows `;

export function testAnomalies(implementation: Implementation): void {
  const { mpirun, skip } = findMpi(implementation);

  test(`${implementation}: on_nan stop ends all ranks, and names the rank, its layer and its rows`, {
    skip,
  }, async (t) => {
    const data = writeTinyData(temporaryFolder(t));
    const path = temporaryFolder(t);
    const argument = { data, path, spec: { ...SPEC, on_nan: "stop" }, nan: NAN };
    const ended = await launchRanks(mpirun!, { ranks: 2, script: "train-rank.ts", argument, timeoutMs: TIMEOUT_MS });
    assert.notEqual(ended.code, 0);
    const file = join(path, "anomaly-step-3-rank-1.pth");
    const shard = join(data, "data_001.npy");
    const text = `Training diverged at step 3 (epoch 1): ${WHERE}${shard}[2], ${shard}[3]...; the batch is kept in "${file}"`;
    assert.ok(ended.stderr.includes(text), ended.stderr);
    await assertGone(ended.pids);
    const kept = (await readTorchFile(file)) as TorchDict;
    assert.deepEqual(kept.get("rows"), [`${shard}[2]`, `${shard}[3]`]);
  });

  test(`${implementation}: on_nan skip leaves the step out on all ranks, which go on alike`, { skip }, async (t) => {
    const data = writeTinyData(temporaryFolder(t));
    const path = temporaryFolder(t);
    const argument = { data, path, spec: { ...SPEC, on_nan: "skip" }, nan: NAN };
    const ended = await launchRanks(mpirun!, { ranks: 2, script: "train-rank.ts", argument, timeoutMs: TIMEOUT_MS });
    assert.equal(ended.code, 0, ended.stderr);
    assert.equal(resultOf(ended).step, 8);
    const steps = (await readMetrics(path)).flatMap((record) => (record.kind === "train" ? [record.step] : []));
    assert.deepEqual(steps, [1, 2, 4, 5, 6, 8]);
    for (const rank of [0, 1]) {
      const log = readFileSync(join(path, `rank-${rank}.log`), "utf8");
      assert.ok(log.includes(`skipped the update at step 3 (epoch 1): ${WHERE}`), log);
    }
    assert.deepEqual(
      readdirSync(path).filter((name) => name.startsWith("anomaly")),
      ["anomaly-step-3-rank-1.pth", "anomaly-step-7-rank-1.pth"],
    );
  });
}
