import assert from "node:assert/strict";
import test from "node:test";
import { runNotebook } from "../../src/notebook/executor";
import { startLimit, startTurns } from "../../src/notebook/limit";
import { FIXTURES, scripted, writeTestNotebook } from "./notebook-builder";

process.env.JUPYTER_PATH = FIXTURES;

test("limits beyond what a timer waits are none: they do not come at once", async () => {
  const calls: string[] = [];
  assert.equal(
    startLimit(undefined, () => calls.push("none")),
    undefined,
  );
  assert.equal(
    startLimit(2 ** 31, () => calls.push("long")),
    undefined,
  );
  assert.equal(
    startLimit(Number.POSITIVE_INFINITY, () => calls.push("endless")),
    undefined,
  );
  assert.equal(
    startTurns(0, () => calls.push("zero")),
    undefined,
  );
  assert.equal(
    startTurns(1e15, () => calls.push("turns")),
    undefined,
  );
  startLimit(1, () => calls.push("short"));
  const turns = startTurns(1, () => calls.push("turn"));
  await new Promise((resolve) => setTimeout(resolve, 50));
  clearInterval(turns);
  assert.deepEqual([...new Set(calls)].sort(), ["short", "turn"]);
});

test("a run with limits of years, also in the notebook's metadata, comes to its end", async () => {
  const years = 1e12;
  const paths = writeTestNotebook("scripted", [scripted(["sleep", 50])]);
  const run = await runNotebook({ ...paths, startTimeoutMs: years, executionTimeoutMs: years, autosaveMs: years });
  assert.equal(run.error?.message, undefined);
  assert.equal(run.outcome, "completed");
});
