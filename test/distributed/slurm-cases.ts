/** Training under a real Slurm: runs started with srun and with the script of environment.md. */

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { loadCheckpointFile } from "../../src/checkpoint";
import type { ConfigSpec } from "../../src/config";
import { projectRoot } from "../../src/version";
import { temporaryFolder } from "../data/make-shard";
import { tinyConfig, writeTinyData } from "../train/tiny-run";
import type { Cluster } from "./slurm-cluster";

const COMMAND = "node bin/asterolab.js train --path runs/a --restore yes --data /shared/data";
const PATIENCE_MS = 480_000;

export interface Run {
  /** The run's folder. */
  readonly path: string;
  readonly config: string;
  readonly data: string;
  /** Where the job's output goes. */
  readonly output: string;
}

export function prepareRun(t: TestContext, spec: ConfigSpec): Run {
  const folder = temporaryFolder(t);
  const data = writeTinyData(temporaryFolder(t));
  const config = join(folder, "config.json");
  configure({ config, data }, spec);
  return { path: join(folder, "run"), config, data, output: join(folder, "output") };
}

export function configure({ config, data }: Pick<Run, "config" | "data">, spec: ConfigSpec): void {
  writeFileSync(config, JSON.stringify({ ...tinyConfig(data, { engine: "native", threads: 1, ...spec }) }));
}

/**
 * Hands in the script of environment.md, on two ranks of one node.
 *
 * @param changes what stands in place of a part of the script
 * @param flags sbatch's, which go before those of the script
 */
export function submitExample(
  cluster: Cluster,
  { path, config, output }: Run,
  changes: readonly (readonly [string, string])[] = [],
  flags: readonly string[] = [],
): Promise<string> {
  const text = readFileSync(join(projectRoot, "environment.md"), "utf8");
  let script = /```sh\n(#!\/bin\/bash\n#SBATCH[\s\S]*?)```/.exec(text)?.[1] ?? "";
  const ours = COMMAND.replace("runs/a", path).replace("--data /shared/data", `--config ${config}`);
  for (const [old, now] of [[COMMAND, ours] as const, ...changes]) {
    assert.ok(script.includes(old), `the script of environment.md has no "${old}"`);
    script = script.replace(old, now);
  }
  const size = ["--nodes=1", "--ntasks-per-node=2", "--cpus-per-task=1"];
  return cluster.submit(script, [...size, `--output=${output}`, ...flags]);
}

/** Process numbers of the two ranks, by rank, once they have saved. */
export async function ranksOf({ path, output }: Run): Promise<number[]> {
  for (const overAt = Date.now() + PATIENCE_MS; Date.now() < overAt; await sleep(100)) {
    if (!existsSync(join(path, "checkpoint.pth"))) continue;
    return [0, 1].map((rank) => Number(/\(process (\d+)\)/.exec(logOf(path, rank))?.[1]));
  }
  throw new Error(`no checkpoint in "${path}" after ${PATIENCE_MS / 1000} s: ${outputOf(output)}`);
}

/** All ranks stopped after the same step, which the checkpoint holds. */
export async function assertInterruptedTogether({ path, output }: Run): Promise<void> {
  const steps = [0, 1].map((rank) => /interrupted after step (\d+)/.exec(logOf(path, rank))?.[1]);
  assert.ok(steps[0] !== undefined && steps[0] === steps[1], `${steps.join(", ")}: ${outputOf(output)}`);
  const { state } = await loadCheckpointFile(join(path, "checkpoint.pth"));
  assert.equal(String(state!.step), steps[0]);
}

export function logOf(path: string, rank: number): string {
  return readFileSync(join(path, `rank-${rank}.log`), "utf8");
}

export function outputOf(output: string): string {
  return existsSync(output) ? readFileSync(output, "utf8") : "no output";
}
