/** The order of writes, syncs and renames is such that a power cut at any moment leaves a whole checkpoint. */

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { loadNewestCheckpoint, saveCheckpoint } from "../../src/checkpoint/checkpoints";
import { Random } from "../../src/random";
import { scratchFolder } from "../checkpoint/scratch";
import { stateOf } from "../checkpoint/states";
import { interceptFileCalls } from "./file-calls";
import { afterPowerCut, type Event } from "./power-cut";

/** Random parts of what was not synced, at each moment. */
const CHOICES = 6;

/** The calls of three saves, the second of them the best so far. */
async function recordSaves(t: TestContext): Promise<{ dir: string; events: Event[] }> {
  const dir = join(scratchFolder(t), "run");
  mkdirSync(dir);
  const events: Event[] = [];
  const stop = interceptFileCalls(async (call, proceed) => {
    const result = await proceed();
    events.push(call);
    return result;
  });
  try {
    for (let epoch = 1; epoch <= 3; epoch++) {
      await saveCheckpoint(dir, stateOf(epoch), { isBest: epoch === 2, isEpochEnd: epoch !== 3, keep: 1 });
      events.push({ kind: "saved", epoch });
    }
  } finally {
    stop();
  }
  return { dir, events };
}

/** Loads after a cut at every moment; returns how many folders were judged. */
async function judge(t: TestContext, dir: string, events: readonly Event[]): Promise<number> {
  const into = join(scratchFolder(t), "after");
  let judged = 0;
  for (let length = 1; length <= events.length; length++) {
    const past = events.slice(0, length);
    const promised = Math.max(0, ...past.map((event) => (event.kind === "saved" ? event.epoch : 0)));
    const choices = ["none", "all", ...Array.from({ length: CHOICES }, (_, i) => new Random(length, i))] as const;
    for (const [index, choice] of choices.entries()) {
      const where = `cut after call ${length} of ${events.length}, choice ${index}`;
      afterPowerCut(past, dir, into, choice);
      const damaged: string[] = [];
      const newest = await loadNewestCheckpoint(into, { onDamaged: (line) => damaged.push(line) });
      assert.deepEqual(damaged, [], where);
      const epoch = newest?.state?.epoch ?? 0;
      assert.ok(epoch >= promised, `${where}: epoch ${epoch} was found, ${promised} had been saved`);
      if (newest !== null) assert.deepStrictEqual(newest.state, stateOf(epoch), where);
      judged++;
    }
  }
  return judged;
}

test("after a power cut at any moment the newest checkpoint is whole and none older than the last saved", async (t) => {
  const { dir, events } = await recordSaves(t);
  t.diagnostic(`${await judge(t, dir, events)} folders judged`);
});

test("the check notices a file that is renamed before it is synced", async (t) => {
  const { dir, events } = await recordSaves(t);
  const unsynced = events.filter((event) => !(event.kind === "sync" && event.path !== dir));
  await assert.rejects(judge(t, dir, unsynced), /AssertionError|Cannot load checkpoint/);
});

test("the check notices a folder that is not synced after a rename", async (t) => {
  const { dir, events } = await recordSaves(t);
  const unsynced = events.filter((event) => !(event.kind === "sync" && event.path === dir));
  await assert.rejects(judge(t, dir, unsynced), /epoch 0 was found, 1 had been saved/);
});
