/** A folder of a test's own, removed when the test ends. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

export function scratchFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "asterolab-checkpoint-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
