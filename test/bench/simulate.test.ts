/** The measurement of the simulator. */

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { benchSimulate } from "../../src/bench/simulate";

test("the start of the workers is not counted, and nothing is left behind", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "asterolab-test-"));
  const before = process.env.TMPDIR;
  process.env.TMPDIR = folder;
  context.after(() => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    rmSync(folder, { recursive: true });
  });
  const startedAt = performance.now();
  const result = await benchSimulate({ spectra: 32, workers: 1 });
  const seconds = (performance.now() - startedAt) / 1000;
  assert.deepEqual(Object.keys(result), ["spectra", "workers", "seconds", "spectra_per_s"]);
  assert.deepEqual([result.spectra, result.workers], [32, 1]);
  assert.equal(result.spectra_per_s, 32 / result.seconds);
  // The worker makes four times as many before, after it has loaded the sources.
  assert.ok(result.seconds > 0 && result.seconds < seconds / 2, `${result.seconds} of ${seconds} s`);
  assert.ok(!readdirSync(folder).some((name) => name.startsWith("asterolab-bench-")));
});
