/** The measurement of a kernel: it times real cells, and says when one fails. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { benchKernel } from "../../src/bench/kernel";
import { KernelError, NotebookError } from "../../src/errors";
import { projectRoot } from "../../src/version";

test("a round times start, cells, import, notebook and output, in an order that must hold", async () => {
  const rounds: number[] = [];
  const startedAt = performance.now();
  const result = await benchKernel({ rounds: 1, onRound: (round) => rounds.push(round) });
  const seconds = (performance.now() - startedAt) / 1000;
  assert.deepEqual(rounds, [1]);
  assert.equal(result.trivial_cell_ms.count, 100);
  assert.ok(result.ready_s.median > 0 && result.ready_s.median < result.first_cell_s.median);
  assert.ok(result.import_s.median > 0 && result.output.seconds.median > 0);
  assert.equal(result.output.megabytes, 50);
  assert.equal(result.notebook.cells, 100);
  const parts = [result.first_cell_s, result.import_s, result.notebook.seconds, result.output.seconds];
  assert.equal(result.cell_after_import_ms.count, 100);
  const cells = 0.1 * (result.trivial_cell_ms.minimum + result.cell_after_import_ms.minimum);
  assert.ok(parts.reduce((sum, { median }) => sum + median, cells) <= seconds);
});

test("a kernel that is not installed is refused", async () => {
  await assert.rejects(benchKernel({ rounds: 1, kernel: "none" }), (error) => {
    assert.ok(error instanceof NotebookError);
    assert.match(error.message, /"none"/);
    return true;
  });
});

const jupyter = join(projectRoot, ".venv", "share", "jupyter");
const skip = existsSync(join(jupyter, "kernels", "python3")) ? false : "no Python kernel here (npm run jupyter)";

test("a kernel of another language ends the measurement with what it said", { skip }, async (t) => {
  const before = process.env.JUPYTER_PATH;
  t.after(() => {
    if (before === undefined) delete process.env.JUPYTER_PATH;
    else process.env.JUPYTER_PATH = before;
  });
  process.env.JUPYTER_PATH = jupyter;
  await assert.rejects(benchKernel({ rounds: 1, kernel: "python3" }), (error) => {
    assert.ok(error instanceof KernelError);
    assert.match(error.message, /^A cell of the measurement failed: invalid syntax/);
    return true;
  });
});
