/** kill -9 at every call to the file system that writing checkpoints makes: before it, after it, and in mid-write. */

import assert from "node:assert/strict";
import test from "node:test";
import { callsOfWriter, killAndCheck } from "./kills";

test("a writer killed before, after or within any call leaves whole checkpoints", {
  timeout: 60 * 60_000,
}, async (t) => {
  const calls = await callsOfWriter();
  let kills = 0;
  for (const moment of ["before", "after", "torn"] as const) {
    for (const [at, kind] of calls.entries()) {
      if (moment === "torn" && kind !== "write") continue;
      await killAndCheck(at, moment);
      kills++;
    }
  }
  t.diagnostic(`${kills} kills at ${calls.length} calls`);
  assert.ok(kills >= 200);
});
