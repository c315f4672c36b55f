import assert from "node:assert/strict";
import test from "node:test";
import type { Cell } from "../../src/notebook/notebook-file";
import { errorOf, NO_QUIRKS, quirksOf } from "../../src/notebook/quirks";
import { codeCell, textOf } from "./notebook-builder";

const TSLAB = quirksOf({ implementation: "tslab" });

// The texts are what tslab 1.0.22 printed for these failures.
function printed(text: string): Cell {
  return { ...codeCell(""), outputs: [{ output_type: "stream", name: "stderr", text }] };
}

test("a thrown error is cut out of stderr, with the frame above it and without the kernel's own stack", () => {
  const cell = printed(
    [
      "a warning of the cell",
      "evalmachine.<anonymous>:4",
      "    throw new RangeError('too many: ' + n);",
      "    ^",
      "",
      "RangeError: too many: 7",
      "    at evalmachine.<anonymous>:4:11",
      "    at sigintHandlersWrap (node:vm:280:12)",
      "    at Object.execute (/somewhere/node_modules/tslab/dist/executor.js:160:38)",
      "",
    ].join("\n"),
  );
  const error = errorOf(cell, { status: "error" }, TSLAB);
  assert.equal(error.ename, "RangeError");
  assert.equal(error.evalue, "too many: 7");
  assert.deepEqual(error.traceback, ["RangeError: too many: 7", "    at evalmachine.<anonymous>:4:11"]);
  assert.equal(textOf(cell), "a warning of the cell\nRangeError: too many: 7");
});

test("an error's own fields after the stack are kept", () => {
  const text =
    "Error: down\n    at load (/a.js:1:2)\n    at Script.runInThisContext (node:vm:1:1) {\n  code: 'ENOENT'\n}\n";
  const { traceback } = errorOf(printed(text), { status: "error" }, TSLAB);
  assert.deepEqual(traceback, ["Error: down", "    at load (/a.js:1:2)", "  code: 'ENOENT'", "}"]);
});

test("type errors become one CompileError", () => {
  const cell = printed("note\n1:7 - Type 'string' is not assignable to type 'number'.\n2:1 - Cannot find name 'b'.\n");
  const error = errorOf(cell, { status: "error" }, TSLAB);
  assert.equal(error.ename, "CompileError");
  assert.equal(error.evalue, "1:7 - Type 'string' is not assignable to type 'number'.");
  assert.equal(error.traceback.length, 2);
  assert.equal((cell.outputs![0] as { text: string }).text, "note\n");
});

test("something thrown that is no error is its last line", () => {
  const error = errorOf(printed("earlier\n42\n"), { status: "error" }, TSLAB);
  assert.deepEqual([error.ename, error.evalue], ["Error", "42"]);
});

test("an error the kernel sent is taken as it is; stderr of a proper kernel is left alone", () => {
  const sent = { output_type: "error" as const, ename: "E", evalue: "v", traceback: [] };
  const cell = { ...codeCell(""), outputs: [sent] };
  assert.equal(errorOf(cell, { status: "error" }, TSLAB), sent);
  const other = printed("RangeError: x\n");
  assert.match(errorOf(other, { status: "error" }, NO_QUIRKS).evalue, /gave no reason/);
  assert.equal(other.outputs!.length, 2);
});
