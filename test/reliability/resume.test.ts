/** A run cut at random steps and restored is the uncut run, bit for bit: the short form of resume.long.test.ts. */

import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { train } from "../../src/train/loop";
import { temporaryFolder } from "../data/make-shard";
import { tinyConfig, writeTinyData } from "../train/tiny-run";
import { cutAndCompare, hashOf } from "./cut-runs";

test("cut at any step and restored, a run ends in the same weights, moments, schedule and counters", async (t) => {
  const first = Date.now() % 1000;
  for (let seed = first; seed < first + 6; seed++) await cutAndCompare(t, seed, 2);
});

test("the check notices another seed", async (t) => {
  const data = writeTinyData(temporaryFolder(t));
  const hashes = [];
  for (const seed of [1, 2]) {
    const path = temporaryFolder(t);
    await train(tinyConfig(data, { engine: "native", num_epochs: 1, seed }), { path, restore: false });
    hashes.push(await hashOf(join(path, "model.pth")));
  }
  assert.notEqual(hashes[0], hashes[1]);
});
