/** What becomes of a job when one rank comes to harm: cases for every MPI. */

import assert from "node:assert/strict";
import { closeSync, existsSync, openSync, readSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import test, { describe, type TestContext } from "node:test";
import { loadCheckpointFile } from "../../src/checkpoint";
import type { Implementation } from "../../src/distributed/addon";
import { temporaryFolder } from "../data/make-shard";
import { POINTS, writeTinyData } from "../train/tiny-run";
import { assertGone, type Ended, findMpi, launchRanks } from "./launch-ranks";
import type { Fault } from "./ranks/train-rank";

const HOST = hostname();
const SPEC = { checkpoint_every_steps: 2, num_epochs: 4 };

/** What people read when a rank comes to harm at step 5. */
const TABLE: readonly {
  readonly fault: Fault;
  readonly rank: number;
  readonly message: RegExp;
  /** Default: silence is noticed after 3 s. */
  readonly env?: Readonly<Record<string, string>>;
}[] = [
  { fault: "throw", rank: 1, message: new RegExp(`rank 1 on ${HOST}: the roof fell in`) },
  {
    fault: "kill",
    rank: 1,
    message: new RegExp(`rank 1 on ${HOST} \\(process \\d+\\) ended without a word: it was killed`),
  },
  { fault: "kill", rank: 0, message: /rank 0 ended without a word: it was killed/ },
  { fault: "exit", rank: 1, message: new RegExp(`rank 1 on ${HOST}: left with exit code 0 before the others`) },
  {
    fault: "stop",
    rank: 1,
    message: new RegExp(`rank 1 on ${HOST} \\(process \\d+\\) is silent for 3 s: it was stopped`),
  },
  {
    fault: "stop",
    rank: 1,
    message: new RegExp(`rank 1 on ${HOST} \\(process \\d+\\) is silent for 12 s: it was stopped`),
    env: {},
  },
  { fault: "disk", rank: 0, message: new RegExp(`rank 0 on ${HOST}: Cannot write ".*": no space left on the disk`) },
  ...[0, 1].map((rank) => ({
    fault: "hang" as const,
    rank,
    message: new RegExp(
      `rank 0 on ${HOST}: rank ${rank} on ${HOST} \\(process \\d+\\) has hung for \\d+ s while others wait for it`,
    ),
    env: { ASTEROLAB_HANG_SECONDS: "4" },
  })),
  {
    fault: "memory",
    rank: 1,
    message:
      /heap out of memory[\s\S]*rank 1 on .* ended without a word|rank 1 on .* ended without a word[\s\S]*heap out of memory/,
  },
];

export function testFailures(implementation: Implementation): void {
  const { mpirun, skip } = findMpi(implementation);

  // Two at a time: while one waits for silence to last, the other starts.
  describe(`${implementation}: a rank comes to harm`, { concurrency: 2 }, () => {
    for (const { fault, rank, message, env = { ASTEROLAB_SILENCE_SECONDS: "3" } } of TABLE) {
      if (implementation === "mpich" && Object.keys(env).length === 0) continue; // 12 s once will do
      const limits = Object.keys(env).length === 0 ? "default limits" : Object.entries(env).join().replace(",", "=");
      test(`${implementation}: rank ${rank} comes to harm (${fault}, ${limits}): the job ends, and says who and why`, {
        skip,
      }, async (t) => {
        const data = writeTinyData(temporaryFolder(t));
        const path = temporaryFolder(t);
        const ended = await launchRanks(mpirun!, {
          ranks: 2,
          script: "train-rank.ts",
          argument: { data, path, spec: SPEC, fault: { kind: fault, rank, step: 5 } },
          env,
          nodeFlags: fault === "memory" ? ["--max-old-space-size=96"] : [],
        });
        // Hydra kills the others before they can say whom they miss; it tells the process itself.
        const isToldByHydra = implementation === "mpich" && (fault === "kill" || fault === "memory");
        const signal = fault === "kill" ? 9 : 6;
        if (isToldByHydra)
          assert.match(ended.stdout, new RegExp(`PID \\d+ RUNNING AT ${HOST}\\n=\\s+EXIT CODE: ${signal}`));
        else assert.match(ended.stderr, message);
        await assertFailed(ended);
        const { step } = (await loadCheckpointFile(join(path, "checkpoint.pth"))).state!;
        assert.equal(step, 4);
      });
    }
  });

  test(`${implementation}: a rank that reads a damaged row names it, and the run goes on after the repair`, {
    skip,
  }, async (t) => {
    const data = writeTinyData(temporaryFolder(t));
    const path = temporaryFolder(t);
    const straight = await trainOn(t, data);
    const repair = damage(join(data, "data_001.npy"), 3);
    const argument = { data, path, spec: { ...SPEC, checkpoint_every_steps: 1 } };
    const ended = await launchRanks(mpirun!, { ranks: 2, script: "train-rank.ts", argument });
    assert.match(
      ended.stderr,
      /rank \d on .*: Cannot use ".*data_001\.npy": the power at row 3, column 7 is NaN, expected a finite number/,
    );
    await assertFailed(ended);
    repair();
    const again = await launchRanks(mpirun!, {
      ranks: 2,
      script: "train-rank.ts",
      argument: { ...argument, restore: true },
    });
    assert.equal(again.code, 0, again.stderr);
    assert.deepEqual(resultOf(again).step, resultOf(straight).step);
    const difference = resultOf(again).losses.at(-1)! / resultOf(straight).losses.at(-1)! - 1;
    assert.ok(Math.abs(difference) < 1e-5, `the last loss differs by ${difference}`);
  });

  async function trainOn(t: TestContext, data: string): Promise<Ended> {
    const argument = { data, path: temporaryFolder(t), spec: SPEC };
    return launchRanks(mpirun!, { ranks: 2, script: "train-rank.ts", argument });
  }
}

export function resultOf({ stdout, stderr }: Ended): {
  readonly losses: readonly number[];
  readonly stopped: string;
  readonly step: number;
  readonly epoch: number;
  readonly validation: { readonly loss: number; readonly rows: number };
} {
  const text = /^result (.*)$/m.exec(stdout)?.[1];
  assert.ok(text, `rank 0 reported no result: ${stderr}`);
  return JSON.parse(text);
}

async function assertFailed({ code, endedAt, pids, stdout }: Ended): Promise<void> {
  assert.notEqual(code, 0);
  const harmAt = Number(/^harm (\d+)$/m.exec(stdout)?.[1] ?? endedAt);
  const seconds = (endedAt - harmAt) / 1000;
  assert.ok(seconds < 30, `the job ended ${seconds} s after the harm`);
  assert.equal(pids.length, 2);
  assert.doesNotMatch(stdout, /^result/m);
  await assertGone(pids);
}

/** Makes a power of a row NaN. @returns what puts the old value back. */
function damage(path: string, row: number): () => void {
  assert.ok(existsSync(path));
  const columns = POINTS + 36;
  const head = Buffer.alloc(10);
  const file = openSync(path, "r");
  readSync(file, head, 0, 10, 0);
  const position = 10 + head.readUInt16LE(8) + 4 * (row * columns + 7);
  const before = Buffer.alloc(4);
  readSync(file, before, 0, 4, position);
  closeSync(file);
  const write = (bytes: Buffer): void => {
    const handle = openSync(path, "r+");
    writeSync(handle, bytes, 0, 4, position);
    closeSync(handle);
  };
  const bad = Buffer.alloc(4);
  bad.writeFloatLE(Number.NaN);
  write(bad);
  return () => write(before);
}
