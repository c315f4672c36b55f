/** One kernel through 2,000 cells: every result right, its memory bounded, nothing left running. */

import assert from "node:assert/strict";
import test from "node:test";
import { runNotebook } from "../../src/notebook/executor";
import { codeCell, processesUnder, textOf, writeTestNotebook } from "../notebook/notebook-builder";

const CELLS = 2000;

test("a kernel runs 2,000 cells", { timeout: 3600_000 }, async (t) => {
  const cells = Array.from({ length: CELLS }, (_, index) => codeCell(`total += ${index};\nconsole.log(total);`));
  const paths = writeTestNotebook("asterolab", [
    codeCell("let total = 0;"),
    ...cells,
    codeCell("console.log(Math.round(process.memoryUsage().rss / 2 ** 20));"),
  ]);
  const startedAt = performance.now();
  const { error, exitCode, notebook } = await runNotebook(paths);
  assert.equal(exitCode, 0, error?.message);
  for (let index = 0, total = 0; index < CELLS; index++) {
    total += index;
    assert.equal(textOf(notebook.cells[index + 1]), `${total}\n`, `cell ${index}`);
  }
  const residentMiB = Number(textOf(notebook.cells.at(-1)));
  t.diagnostic(
    `${((performance.now() - startedAt) / 1000).toFixed(0)} s, the kernel holds ${residentMiB} MiB at the end`,
  );
  assert.ok(residentMiB < 2048);
  assert.deepEqual(processesUnder(process.pid), []);
});
