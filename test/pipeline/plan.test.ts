import assert from "node:assert/strict";
import test from "node:test";
import { canResume, staleReasons } from "../../src/pipeline/plan";
import type { StageFingerprint, StageRecord } from "../../src/pipeline/record";

const NOW: StageFingerprint = {
  work: "notebook 1",
  parameters: { epochs: "6" },
  inputs: { data: "a" },
  after: { make: "2024" },
  kernel: null,
  ranks: 1,
  code: "c",
};
const DONE: StageRecord = {
  status: "done",
  reasons: ["it never ran"],
  started_at: "2024",
  ended_at: "2024",
  seconds: 1,
  error: null,
  fingerprint: NOW,
  outputs: { model: "m" },
};

test("a stage whose code, parameters, inputs, ranks and outputs are as they were has no reason to run", () => {
  assert.deepEqual(staleReasons(DONE, NOW, { model: "m" }), []);
});

test("each change is a reason of its own", () => {
  const cases: readonly (readonly [Partial<StageFingerprint>, string])[] = [
    [{ work: "notebook 2" }, "its notebook's code changed"],
    [{ work: "command 2" }, "its command changed"],
    [{ kernel: "python3" }, "its kernel was not named, is python3"],
    [{ ranks: 4 }, "it ran on 1 rank, now on 4"],
    [{ code: "d" }, "Asterolab's code changed"],
    [{ parameters: { epochs: "7" } }, "parameter epochs was 6, is 7"],
    [{ parameters: {} }, "parameter epochs was 6, is not set"],
    [{ inputs: { data: "b" } }, 'its input "data" changed'],
    [{ inputs: { data: null } }, 'its input "data" is missing'],
    [{ inputs: {} }, 'it no longer reads "data"'],
    [{ inputs: { data: "a", more: "x" } }, 'it also reads "more"'],
    [{ after: { make: "2025" } }, "make ran again"],
  ];
  for (const [change, reason] of cases)
    assert.deepEqual(staleReasons(DONE, { ...NOW, ...change }, { model: "m" }), [reason]);
  assert.deepEqual(staleReasons(null, NOW, {}), ["it never ran"]);
  assert.deepEqual(staleReasons(DONE, NOW, { model: null }), ['its output "model" is missing']);
  assert.deepEqual(staleReasons(DONE, NOW, { model: "n" }), ['its output "model" is not what it wrote']);
  for (const [status, reason] of [
    ["failed", "it failed last time"],
    ["interrupted", "it was interrupted"],
    ["running", "it was cut off"],
  ] as const) {
    assert.deepEqual(staleReasons({ ...DONE, status, outputs: {} }, NOW, { model: null }), [reason]);
  }
});

test("a stage goes on where it was cut off only if it would run with the same", () => {
  const cut: StageRecord = { ...DONE, status: "interrupted" };
  assert.equal(canResume({ record: cut, fingerprint: { ...NOW }, reasons: [] }), true);
  assert.equal(canResume({ record: cut, fingerprint: { ...NOW, code: "d" }, reasons: [] }), false);
  assert.equal(canResume({ record: DONE, fingerprint: NOW, reasons: [] }), false);
  assert.equal(canResume({ record: null, fingerprint: NOW, reasons: [] }), false);
});
