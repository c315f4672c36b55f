/** kill -9 while a checkpoint is written: the short form of kill.long.test.ts. */

import test from "node:test";
import { Random } from "../../src/random";
import { callsOfWriter, killAndCheck, type Moment } from "./kills";

const KILLS = 15;

test("a writer killed anywhere leaves whole checkpoints, none older than the last saved", async () => {
  const calls = await callsOfWriter();
  const random = new Random(Date.now());
  // One call in each of 15 parts of the writing, so that every kind of call is met over a few runs.
  for (let kill = 0; kill < KILLS; kill++) {
    const at = Math.floor(((kill + random.uniform()) * calls.length) / KILLS);
    await killAndCheck(at, (["before", "after", "torn"] satisfies Moment[])[kill % 3]!);
  }
});
