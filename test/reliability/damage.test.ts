/** Damaged checkpoints in a run folder: never loaded, named, kept; and the newest whole one is found. */

import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import test, { type TestContext } from "node:test";
import { loadNewestCheckpoint, saveCheckpoint } from "../../src/checkpoint/checkpoints";
import { Random } from "../../src/random";
import { scratchFolder } from "../checkpoint/scratch";
import { stateOf } from "../checkpoint/states";
import { damage } from "./damage";
import { flipBits } from "./flip-bits";

const ROUNDS = 150;

/** The order in which a restored run tries them, with the epoch that each holds. */
const NAMES: readonly [name: string, epoch: number][] = [
  ["checkpoint.pth", 5],
  ["checkpoint-5.pth", 5],
  ["checkpoint-4.pth", 4],
  ["checkpoint-3.pth", 3],
  ["is_best.pth", 2],
];

async function runFolder(t: TestContext): Promise<string> {
  const dir = scratchFolder(t);
  for (let epoch = 1; epoch <= 5; epoch++) {
    await saveCheckpoint(dir, stateOf(epoch), { isBest: epoch === 2, isEpochEnd: true, keep: 3 });
  }
  return dir;
}

test("whatever is damaged, the newest whole checkpoint is used and the others are named and kept", async (t) => {
  const whole = await runFolder(t);
  const dir = join(scratchFolder(t), "run");
  for (let round = 0; round < ROUNDS; round++) {
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(dir);
    for (const [name] of NAMES) copyFileSync(join(whole, name), join(dir, name));
    const random = new Random(17, round);
    const isDamaged = NAMES.map(() => random.uniform() < 0.5);
    const what = NAMES.map(([name], i) => (isDamaged[i] ? `${name}: ${damage(join(dir, name), random)}` : name)).join(
      "; ",
    );
    const before = contentsOf(dir);
    const first = isDamaged.indexOf(false);
    const messages: string[] = [];
    const loading = loadNewestCheckpoint(dir, { onDamaged: (line) => messages.push(line), setAside: true });
    if (first < 0) {
      await assert.rejects(loading, { name: "CheckpointError", message: /no checkpoint in ".*" is whole$/ }, what);
    } else {
      const [name, epoch] = NAMES[first]!;
      const loaded = await loading;
      assert.equal(loaded!.path, join(dir, name), what);
      assert.deepStrictEqual(loaded!.state, stateOf(epoch), what);
    }
    const tried = NAMES.slice(0, first < 0 ? NAMES.length : first).map(([name]) => name);
    assert.deepEqual(
      messages.map((line) => basename(/^Cannot load checkpoint "([^"]+)"/.exec(line)![1]!)),
      tried,
      what,
    );
    assert.ok(
      messages.every((line) => /; kept as ".*\.pth\.damaged"$/.test(line)),
      what,
    );
    assert.deepEqual(contentsOf(dir), before, `${what}: every file is kept, byte for byte`);
    assert.deepEqual(
      readdirSync(dir)
        .filter((name) => name.endsWith(".damaged"))
        .sort(),
      tried.map((name) => `${name}.damaged`).sort(),
    );
  }
});

test("a bit flipped anywhere in the directory's end records is found", async (t) => {
  await flipBits(t, Number.POSITIVE_INFINITY, 40);
});

test("a bit flipped in any of 400 places of a checkpoint is found", async (t) => {
  await flipBits(t, 400);
});

/** All contents in the folder, whatever their names. */
function contentsOf(dir: string): string[] {
  return readdirSync(dir)
    .map((name) => readFileSync(join(dir, name)).toString("latin1"))
    .sort();
}
