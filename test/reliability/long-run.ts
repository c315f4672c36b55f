/** A run of many steps, looked at on the way: nothing may grow. */

import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { type Config, parseConfig } from "../../src/config";
import { simulateDataset } from "../../src/simulate";
import { train } from "../../src/train/loop";
import { temporaryFolder } from "../data/make-shard";
import { tinyConfig, writeTinyData } from "../train/tiny-run";
import { type Resources, resourcesNow } from "./resources";

/** The first part of a run warms up pools, the compiler's caches and the allocator. */
const WARM_UP = 0.3;

/** A tiny network on tiny spectra; 50 steps an epoch. */
export function tinyRun(t: TestContext, steps: number): Config {
  const data = writeTinyData(temporaryFolder(t), { shards: 5, rows: 50 });
  return tinyConfig(data, { engine: "native", threads: 2, num_epochs: Math.ceil(steps / 50) });
}

/** The compact network on simulated spectra of full length; 50 steps an epoch. */
export async function compactRun(t: TestContext, steps: number): Promise<Config> {
  const out = temporaryFolder(t);
  await simulateDataset({ out, shards: 2, validationShards: 1, spectraPerShard: 100 });
  return parseConfig("compact", { data_dir: out, num_batchsize: 4, num_epochs: Math.ceil(steps / 50) });
}

/**
 * Trains with validations and checkpoints on the way.
 *
 * @param steps that the config makes
 * @throws {AssertionError} when memory after the warm-up grows by more than 2 %, or tensors, handles or threads grow.
 */
export async function trainAndWatch(t: TestContext, steps: number, config: Config): Promise<void> {
  const before = resourcesNow();
  const looks: Resources[] = [];
  const onEvent = (event: { kind: string; step?: number }): void => {
    if (event.kind === "train" && event.step! % Math.ceil(steps / 40) === 0) looks.push(resourcesNow());
  };
  const { step } = await train(config, { path: temporaryFolder(t), restore: false, onEvent });
  const after = resourcesNow();
  const warm = looks.slice(Math.floor(WARM_UP * looks.length));
  const half = warm.length >> 1;
  const mean = (part: readonly Resources[]): number =>
    part.reduce((sum, { residentMiB }) => sum + residentMiB, 0) / part.length;
  const [early, late] = [mean(warm.slice(0, half)), mean(warm.slice(half))];
  t.diagnostic(
    `${step} steps: ${early.toFixed(1)} MiB in the first half after warm-up, ${late.toFixed(1)} MiB in the second ` +
      `(${(100 * (late / early - 1)).toFixed(2)} %); tensors ${warm[0]!.tensors} to ${warm.at(-1)!.tensors}; handles ` +
      `${warm[0]!.handles} to ${warm.at(-1)!.handles}; threads ${warm[0]!.threads} to ${warm.at(-1)!.threads}`,
  );
  t.diagnostic(`MiB on the way: ${looks.map(({ residentMiB }) => residentMiB.toFixed(0)).join(" ")}`);
  assert.ok(late <= 1.02 * early, `memory grew from ${early} to ${late} MiB`);
  for (const what of ["tensors", "handles", "threads"] as const) {
    assert.ok(warm.at(-1)![what] <= warm[0]![what], `${what} grew from ${warm[0]![what]} to ${warm.at(-1)![what]}`);
  }
  assert.equal(after.tensors, before.tensors, "tensors left behind");
  assert.ok(after.handles <= before.handles + 1, "handles left behind");
}
