/** Runs that are cut at random steps and restored, held against runs that were not. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { loadCheckpointFile } from "../../src/checkpoint";
import type { ConfigSpec } from "../../src/config";
import { Random } from "../../src/random";
import { train } from "../../src/train/loop";
import { temporaryFolder } from "../data/make-shard";
import { tinyConfig, writeTinyData } from "../train/tiny-run";

/** Settings that change what the next step depends on. */
const VARIANTS: readonly ConfigSpec[] = [
  { dropout: 0.3 },
  { accumulate: 2, num_batchsize: 3 },
  { schedule: "constant", learning_rate: 3e-3, pos_enc: true },
  { loss: "gaussian_nll", clip_norm: null },
  { schedule_interval: "epoch", steps_per_epoch: 3, num_batchsize: 5 },
  { early_stopping: { patience: 2, min_delta: 0.5 }, out_of_range: "drop", validation: { every_epochs: 2 } },
];

/**
 * Trains without a cut, then again with `cuts` cuts at steps drawn from `seed`, each followed by a restore.
 *
 * @throws {AssertionError} when any number of the final state differs.
 */
export async function cutAndCompare(t: TestContext, seed: number, cuts: number): Promise<void> {
  const random = new Random(seed);
  const spec = { engine: "native", threads: 2, num_epochs: 3, seed, ...VARIANTS[seed % VARIANTS.length] };
  const config = tinyConfig(writeTinyData(temporaryFolder(t)), spec);
  const whole = temporaryFolder(t);
  const { step: lastStep } = await train(config, { path: whole, restore: false });

  const path = temporaryFolder(t);
  const steps: number[] = [];
  for (let cut = 0; cut <= cuts; cut++) {
    const done = steps.at(-1) ?? 0;
    const end = new AbortController();
    const at =
      cut === cuts ? lastStep + 1 : Math.min(lastStep, done + 1 + random.integer(Math.max(1, lastStep - done)));
    const onEvent = (event: { kind: string; step?: number }): void => {
      if (event.kind === "train" && event.step === at) end.abort();
    };
    const result = await train(config, { path, restore: cut > 0, signal: end.signal, onEvent });
    steps.push(result.step);
  }
  const where = `seed ${seed}, cut after steps ${steps.slice(0, -1).join(", ")} of ${lastStep}`;
  assert.equal(await hashOf(join(path, "model.pth")), await hashOf(join(whole, "model.pth")), where);
}

/** SHA-256 over everything in a final state but what the clock decides. */
export async function hashOf(path: string): Promise<string> {
  const { state } = await loadCheckpointFile(path);
  const { model, optimizer, sums, ...rest } = state!;
  const { firstMoments, secondMoments, ...numbers } = optimizer;
  const { training_seconds: _, ...counted } = sums;
  const hash = createHash("sha256").update(JSON.stringify({ ...rest, config: null, numbers, counted }));
  for (const [name, { data }] of model) hash.update(name).update(data);
  for (const moments of [firstMoments, secondMoments]) for (const values of moments.values()) hash.update(values);
  return hash.digest("hex");
}
