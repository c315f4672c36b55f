/**
 * Executes the notebooks of notebooks/ with their default parameters, each from an empty folder, as `notebook verify`
 * does, and puts their outputs into the files: `node --require ts-node/register scripts/execute-notebooks.ts [NAME...]`.
 */

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runNotebook } from "../src/notebook/executor";
import { writeNotebook } from "../src/notebook/notebook-file";
import { removeRunRecord } from "../src/notebook/run-record";
import { projectRoot } from "../src/version";

/** Looks at the network that the notebook before it has trained, and goes on in its folder. */
const GOES_ON = "04-validation.ipynb";

async function main(wanted: readonly string[]): Promise<void> {
  const folder = join(projectRoot, "notebooks");
  const names = readdirSync(folder).filter((name) => name.endsWith(".ipynb") && wantedOrAll(name, wanted));
  const folders: string[] = [];
  try {
    for (const name of names.sort()) {
      if (folders.length === 0 || name !== GOES_ON) folders.push(mkdtempSync(join(tmpdir(), "asterolab-notebooks-")));
      const cwd = folders.at(-1)!;
      const startedAt = performance.now();
      const result = await runNotebook({ input: join(folder, name), output: join(cwd, name), cwd });
      if (result.error !== undefined) throw result.error;
      removeRunRecord(result.notebook);
      await writeNotebook(join(folder, name), result.notebook);
      process.stderr.write(`${name}: ${((performance.now() - startedAt) / 1000).toFixed(1)} s\n`);
    }
  } finally {
    for (const used of folders) rmSync(used, { recursive: true, force: true });
  }
}

function wantedOrAll(name: string, wanted: readonly string[]): boolean {
  return wanted.length === 0 || wanted.some((part) => name.includes(part));
}

main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`execute-notebooks: ${error.message}\n`);
  process.exitCode = 1;
});
