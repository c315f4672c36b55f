/** Folders for what tests write: none outlives its test, or the test file's process. */

import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

const folders: string[] = [];

/** An empty folder that is removed after the test; without one, when the process ends. */
export function temporaryFolder(t?: TestContext): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "asterolab-test-")));
  if (t) t.after(() => remove(folder));
  else {
    if (folders.length === 0) process.once("exit", () => folders.forEach(remove));
    folders.push(folder);
  }
  return folder;
}

/** What is still being written there by a process that is about to end is removed too. */
function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
