import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import test from "node:test";
import { runNotebook } from "../../src/notebook/executor";
import { readNotebook, writeNotebook } from "../../src/notebook/notebook-file";
import { verifyNotebook } from "../../src/notebook/verify";
import { codeCell, writeTestNotebook } from "./notebook-builder";

const TOLERANCES = { rtol: 1e-6, atol: 1e-9 };

test("verify runs a notebook again with its recorded parameters and tells what differs", async () => {
  const { input, output } = writeTestNotebook("asterolab", [
    codeCell("let count: number = 1;", "parameters"),
    codeCell("console.log(count, 'stars');"),
  ]);
  await runNotebook({ input, output, parameters: [{ name: "count", candidates: [3] }] });
  const same = await verifyNotebook({ input: output, ...TOLERANCES });
  assert.deepEqual(same.differences, []);
  assert.equal(same.run.exitCode, 0);
  const changed = await readNotebook(output);
  const printed = changed.cells.at(-1)!.outputs![0]!;
  assert.ok(printed.output_type === "stream");
  printed.text = "4 stars\n";
  copyFileSync(output, input);
  await writeNotebook(input, changed);
  const { differences } = await verifyNotebook({ input, ...TOLERANCES });
  assert.deepEqual(differences, [{ cell: 2, text: 'output 0: stdout line 1 is "3 stars", was "4 stars"' }]);
});
