/** `asterolab train --ranks`: the launcher, its signals and its restarts. */

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { loadCheckpointFile } from "../../src/checkpoint";
import type { ConfigSpec } from "../../src/config";
import { withoutRank } from "../../src/distributed/launch";
import { maybeFindMpirun } from "../../src/distributed/mpirun";
import { isAlive } from "../../src/files";
import { readMetrics } from "../../src/train/metrics-file";
import { projectRoot } from "../../src/version";
import { temporaryFolder } from "../data/make-shard";
import { tinyConfig, writeTinyData } from "../train/tiny-run";
import { assertGone } from "./launch-ranks";

const skip = maybeFindMpirun() === null ? "no mpirun here" : false;

interface Started {
  readonly child: ChildProcess;
  readonly path: string;
  readonly output: { stdout: string; stderr: string };
  readonly code: Promise<number | null>;
}

/** Starts the command on two ranks, with a config file of tiny settings. */
function start(t: TestContext, spec: ConfigSpec, ...flags: string[]): Started {
  const folder = temporaryFolder(t);
  const path = join(folder, "run");
  const config = join(folder, "config.json");
  writeFileSync(config, JSON.stringify({ ...tinyConfig(writeTinyData(temporaryFolder(t)), spec), engine: "native" }));
  const child = spawn(
    process.execPath,
    [
      ...[join(projectRoot, "bin", "asterolab.js"), "train", "--path", path, "--restore", "no", "--config", config],
      ...["--ranks", "2", ...flags],
    ],
    { env: withoutRank(), stdio: ["ignore", "pipe", "pipe"] },
  );
  const output = { stdout: "", stderr: "" };
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    output.stdout += text;
  });
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    output.stderr += text;
  });
  t.after(() => child.kill("SIGKILL"));
  return { child, path, output, code: new Promise((resolve) => child.once("close", resolve)) };
}

/** Process numbers of the ranks, by rank, once they have taken a step. */
async function ranksOf({ path, output }: Started): Promise<number[]> {
  for (let attempt = 0; attempt < 300; attempt++) {
    await sleep(100);
    if (!existsSync(join(path, "checkpoint.pth"))) continue;
    return [0, 1].map((rank) => Number(/\(process (\d+)\)/.exec(logOf(path, rank))?.[1]));
  }
  throw new Error(`no checkpoint in "${path}" after 30 s: ${output.stderr}`);
}

function logOf(path: string, rank: number): string {
  return readFileSync(join(path, `rank-${rank}.log`), "utf8");
}

/** The step after which each rank says that it was interrupted. */
function interruptedSteps(path: string): (string | undefined)[] {
  return [0, 1].map((rank) => /interrupted after step (\d+)/.exec(logOf(path, rank))?.[1]);
}

const LONG = { num_epochs: 100_000, checkpoint_every_steps: 3, keep: 1 };

test("two ranks train to the end; the result is printed once", { skip }, async (t) => {
  const run = start(t, { num_epochs: 2 }, "--json", "--deterministic");
  assert.equal(await run.code, 0, run.output.stderr);
  const result = JSON.parse(run.output.stdout);
  assert.deepEqual([result.stopped, result.epoch, result.step], ["finished", 2, 8]);
  assert.equal(run.output.stderr.match(/^num_epochs\s+2$/gm)?.length, 1);
  assert.match(run.output.stderr, /^deterministic\s+true$/m);
  const records = await readMetrics(run.path);
  const shares = records.flatMap((record) => (record.kind === "train" ? [record.communication_share!] : []));
  assert.equal(shares.length, 8);
  assert.ok(shares.every((share) => share >= 0 && share < 1));
});

test("SIGTERM to the launcher: all ranks save at the same step and end", { skip }, async (t) => {
  const run = start(t, LONG);
  const pids = await ranksOf(run);
  run.child.kill("SIGTERM");
  assert.equal(await run.code, 143, run.output.stderr);
  const [first, second] = interruptedSteps(run.path);
  assert.ok(first !== undefined && first === second, run.output.stderr);
  const { state } = await loadCheckpointFile(join(run.path, "checkpoint.pth"));
  assert.equal(String(state!.step), first);
  await assertGone(pids);
});

test("SIGUSR1 to one rank, a scheduler's warning: all ranks save at the same step", { skip }, async (t) => {
  const run = start(t, LONG);
  const pids = await ranksOf(run);
  process.kill(pids[1]!, "SIGUSR1");
  assert.equal(await run.code, 0, run.output.stderr);
  assert.match(run.output.stdout, /^interrupted: /);
  const [first, second] = interruptedSteps(run.path);
  assert.ok(first !== undefined && first === second, run.output.stderr);
  await assertGone(pids);
});

test("Ctrl-C twice ends the job at once", { skip }, async (t) => {
  const run = start(t, LONG);
  const pids = await ranksOf(run);
  // A stopped rank: nobody can save.
  process.kill(pids[1]!, "SIGSTOP");
  run.child.kill("SIGINT");
  await sleep(300);
  run.child.kill("SIGINT");
  const startedAt = performance.now();
  assert.equal(await run.code, 130, run.output.stderr);
  assert.ok(performance.now() - startedAt < 10_000);
  await assertGone(pids);
});

test("a rank that is killed is named, and the run restarts from its last checkpoint by itself", { skip }, async (t) => {
  const run = start(t, { num_epochs: 60, keep: 1 }, "--max-restarts", "1");
  const pids = await ranksOf(run);
  process.kill(pids[1]!, "SIGKILL");
  assert.equal(await run.code, 0, run.output.stderr);
  assert.match(run.output.stderr, new RegExp(`rank 1 on .* \\(process ${pids[1]}\\) ended`));
  assert.match(run.output.stderr, /restart 1 of 1 goes on from the last checkpoint/);
  assert.match(run.output.stderr, /continues from ".*checkpoint\.pth" after epoch \d+, step \d+/);
  assert.match(run.output.stdout, /^finished: 60 epochs, 240 steps/);
  const steps = (await readMetrics(run.path)).flatMap((record) => (record.kind === "train" ? [record.step] : []));
  assert.deepEqual(
    steps,
    Array.from({ length: 240 }, (_, index) => index + 1),
  );
});

test("an mpirun that is killed is named, and its ranks end", { skip }, async (t) => {
  const run = start(t, LONG);
  const pids = await ranksOf(run);
  const mpirun = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pids[0]}/status`, "utf8"))![1]);
  assert.notEqual(mpirun, run.child.pid);
  process.kill(mpirun, "SIGKILL");
  assert.equal(await run.code, 1, run.output.stderr);
  assert.match(run.output.stderr, /^asterolab: mpirun\S* itself was ended by SIGKILL; the job ends$/m);
  // Nobody ends them: they do so themselves.
  for (let attempt = 0; attempt < 100 && pids.some(isAlive); attempt++) await sleep(200);
  await assertGone(pids);
});

test("a request that is wrong is refused with exit code 2, once, and not restarted", { skip }, async (t) => {
  const setting = start(t, {}, "--set", "num_epoch=2");
  assert.equal(await setting.code, 2);
  assert.equal(setting.output.stderr, 'asterolab: Unknown setting "num_epoch"; did you mean "num_epochs"?\n');
  const data = start(t, {}, "--data", "/nowhere", "--max-restarts", "3");
  assert.equal(await data.code, 2, data.output.stderr);
  assert.equal(data.output.stderr.match(/Cannot open data set "\/nowhere": no such file/g)?.length, 1);
  assert.doesNotMatch(data.output.stderr, /restart/);
});
