/**
 * Executes the notebooks of notebooks/ with their default parameters, one after the other in one temporary folder, and
 * puts their outputs into the files: `node --require ts-node/register scripts/execute-notebooks.ts [NAME...]`.
 */

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runNotebook } from "../src/notebook/executor";
import { writeNotebook } from "../src/notebook/notebook-file";
import { removeRunRecord } from "../src/notebook/run-record";
import { projectRoot } from "../src/version";

async function main(wanted: readonly string[]): Promise<void> {
  const folder = join(projectRoot, "notebooks");
  const names = readdirSync(folder).filter((name) => name.endsWith(".ipynb") && wantedOrAll(name, wanted));
  const cwd = mkdtempSync(join(tmpdir(), "asterolab-notebooks-"));
  try {
    for (const name of names.sort()) {
      const startedAt = performance.now();
      const result = await runNotebook({ input: join(folder, name), output: join(cwd, name), cwd });
      if (result.error !== undefined) throw result.error;
      removeRunRecord(result.notebook);
      await writeNotebook(join(folder, name), result.notebook);
      process.stderr.write(`${name}: ${((performance.now() - startedAt) / 1000).toFixed(1)} s\n`);
    }
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

function wantedOrAll(name: string, wanted: readonly string[]): boolean {
  return wanted.length === 0 || wanted.some((part) => name.includes(part));
}

main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`execute-notebooks: ${error.message}\n`);
  process.exitCode = 1;
});
