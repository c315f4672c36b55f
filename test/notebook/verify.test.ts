import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { runNotebook } from "../../src/notebook/executor";
import { readNotebook, writeNotebook } from "../../src/notebook/notebook-file";
import { maybeProvenance, setProvenance } from "../../src/notebook/provenance";
import { verifyNotebook } from "../../src/notebook/verify";
import { codeCell, writeTestNotebook } from "./notebook-builder";

const TOLERANCES = { rtol: 1e-6, atol: 1e-9 };

test("verify runs a notebook again with its recorded parameters and tells what differs", async () => {
  const { input, output } = writeTestNotebook("asterolab", [
    codeCell("let count: number = 1;\nlet limit: number = 1;", "parameters"),
    codeCell("console.log(count, 'stars');"),
  ]);
  const parameters = [
    { name: "count", candidates: [3] },
    { name: "limit", candidates: [Infinity] },
  ];
  await runNotebook({ input, output, parameters, injectPaths: { input: true } });
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

test("verify tells that cells or inputs have changed since the run, and notes where it took place", async () => {
  const { input, output, folder } = writeTestNotebook("asterolab", [codeCell("console.log('stars');")]);
  mkdirSync(join(folder, "data"));
  writeFileSync(join(folder, "data", "a.txt"), "one");
  const reads = ["data", "absent.txt"];
  await runNotebook({ input, output, cwd: folder, reads });
  const notebook = await readNotebook(output);
  const provenance = maybeProvenance(notebook)!;
  // printf 'folder\n<sha256 of "one"> a.txt\n' | sha256sum
  assert.deepEqual(provenance.inputs, {
    data: "8dcf4f754294b7697019d42a832bdd507dd12ee841a9eb448b15b900371eab59",
    "absent.txt": null,
  });
  assert.match(provenance.kernel!, /^asterolab asterolab \S+ typescript \S+$/);
  assert.equal(provenance.node, process.version);
  assert.match(provenance.sources, /^[0-9a-f]{12}$/);
  const verify = () => verifyNotebook({ input: output, cwd: folder, ...TOLERANCES });
  assert.deepEqual((await verify()).provenance, { problems: [], notes: [] });

  setProvenance(notebook, { ...provenance, node: "v1.2.3", commit: "0123456789ab" });
  notebook.cells[0]!.source = "console.log('stars' );";
  await writeNotebook(output, notebook);
  writeFileSync(join(folder, "data", "a.txt"), "two");
  writeFileSync(join(folder, "absent.txt"), "");
  const changed = await verify();
  assert.deepEqual(changed.differences, []);
  assert.deepEqual(changed.provenance!.problems, [
    "its code cells were changed after the run",
    'its input "absent.txt" was not there when it ran',
    'its input "data" was different when it ran',
  ]);
  assert.equal(changed.provenance!.notes[0], `Node was v1.2.3, is ${process.version}`);
  assert.match(changed.provenance!.notes[1]!, /^commit was 0123456789ab, is (unknown|[0-9a-f]{12}\+?)$/);
  rmSync(join(folder, "data"), { recursive: true });
  assert.equal((await verify()).provenance!.problems[2], 'its input "data" is not here');
});

test("provenance has the parameters, and the engine and data sets the cells used", async () => {
  const { input, output, folder } = writeTestNotebook("asterolab", [
    codeCell("let seed: number = 7;\nlet names: string[] = ['a'];\nlet rate = 1e-3;", "parameters"),
    codeCell(
      "import { Dataset, selectEngine, simulateDataset } from 'asterolab';\n" +
        "await simulateDataset({ out: 'stars', shards: 1, validationShards: 1, spectraPerShard: 2, seed: seed });\n" +
        "for (const split of ['train', 'all'] as const) await (await Dataset.open('stars', { split: split, heads: ['dnu'] })).close();\n" +
        "console.log((await selectEngine('cpu')).name);",
    ),
  ]);
  const parameters = [{ name: "rate", candidates: [Infinity] }];
  const { error } = await runNotebook({ input, output, parameters, cwd: folder });
  assert.equal(error?.message, undefined);
  const notebook = await readNotebook(output);
  const provenance = maybeProvenance(notebook)!;
  assert.deepEqual(provenance.parameters, { seed: 7, names: "['a']", rate: "Infinity" });
  assert.equal(provenance.engine, "cpu");
  assert.deepEqual(Object.keys(provenance.data), ["stars (all)", "stars (train)"]);
  assert.notEqual(provenance.data["stars (all)"], provenance.data["stars (train)"]);

  const other = { "stars (all)": "0123456789abcdef", "stars (train)": provenance.data["stars (train)"]! };
  setProvenance(notebook, { ...provenance, engine: "native", data: other });
  await writeNotebook(output, notebook);
  const again = await verifyNotebook({ input: output, ...TOLERANCES });
  assert.deepEqual(again.differences, []);
  const fresh = provenance.data["stars (all)"]!.slice(0, 12);
  assert.deepEqual(again.provenance!.notes.slice(-2), [
    "engine was native, is cpu",
    `data set "stars (all)" was 0123456789ab, is ${fresh}`,
  ]);
});
