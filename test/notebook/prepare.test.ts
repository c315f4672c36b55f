import assert from "node:assert/strict";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { runNotebook } from "../../src/notebook/executor";
import { parseNotebook, readNotebook } from "../../src/notebook/notebook-file";
import { type PrepareOptions, prepareOnly } from "../../src/notebook/prepare";
import { codeCell, FIXTURES, scripted, statusOf, textOf, writeTestNotebook } from "./notebook-builder";

process.env.JUPYTER_PATH = FIXTURES;
const LR = [{ name: "lr", candidates: [0.5] }];

test("prepare-only puts parameters in, keeps old outputs, and needs no kernel", async () => {
  const old = { output_type: "stream" as const, name: "stdout", text: "old" };
  const cells = [codeCell("let lr = 1;", "parameters"), { ...codeCell("lr"), outputs: [old], execution_count: 4 }];
  const paths = writeTestNotebook("not-installed", cells);
  const saved = await prepareOnly({ ...paths, parameters: LR });
  assert.equal(saved, paths.output);
  const notebook = await readNotebook(saved);
  assert.equal(notebook.cells[1]!.source, "// Parameters\nlet lr: number = 0.5;\n");
  assert.deepEqual(notebook.cells[2]!.outputs, [old]);
  assert.equal(notebook.cells[2]!.execution_count, 4);
  // papermill 2.7.0 with --prepare-only writes these keys, and none of times and statuses.
  const record = notebook.metadata.papermill as Record<string, unknown>;
  const keys = ["default_parameters", "environment_variables", "input_path", "output_path", "parameters", "version"];
  assert.deepEqual(Object.keys(record).sort(), keys);
  assert.deepEqual(record.parameters, { lr: 0.5 });
  assert.ok(notebook.cells.every((cell) => statusOf(cell) === undefined));
});

test("a notebook that tells neither kernel nor language is refused", async () => {
  const paths = writeTestNotebook("none", [codeCell("let lr = 1;", "parameters")]);
  const notebook = JSON.parse(readFileSync(paths.input, "utf8"));
  notebook.metadata = {};
  writeFileSync(paths.input, JSON.stringify(notebook));
  await assert.rejects(prepareOnly({ ...paths, parameters: LR }), {
    name: "NotebookError",
    message: `Cannot tell the language of "${paths.input}": its metadata names none; give one with --language`,
  });
  await prepareOnly({ ...paths, parameters: LR, language: "python" });
  assert.equal((await readNotebook(paths.output)).cells[1]!.source, "# Parameters\nlr = 0.5\n");
});

test("report mode hides the code of all cells, the injected one too, and leaves the rest of their metadata", async () => {
  const cells = [codeCell("let lr = 1;", "parameters"), codeCell("lr")];
  cells[1]!.metadata.jupyter = { outputs_hidden: true };
  const paths = writeTestNotebook("scripted", cells);
  await prepareOnly({ ...paths, parameters: LR, reportMode: true });
  const { cells: saved } = await readNotebook(paths.output);
  assert.deepEqual(
    saved.map((cell) => cell.metadata.jupyter),
    [{ source_hidden: true }, { source_hidden: true }, { source_hidden: true, outputs_hidden: true }],
  );
});

test("paths take parameters, and can be parameters as they were given", async () => {
  const paths = writeTestNotebook("scripted", [codeCell("let lr = 1;", "parameters")]);
  copyFileSync(paths.input, join(paths.folder, "in-0.5.ipynb"));
  const templates = { input: join(paths.folder, "in-{lr}.ipynb"), output: join(paths.folder, "{lr}", "out.ipynb") };
  const options: PrepareOptions = { ...templates, parameters: LR, injectPaths: { input: true, output: true } };
  const saved = await prepareOnly(options);
  assert.equal(saved, join(paths.folder, "0.5", "out.ipynb"));
  const notebook = await readNotebook(saved);
  assert.deepEqual((notebook.metadata.papermill as { parameters: unknown }).parameters, {
    PAPERMILL_INPUT_PATH: templates.input,
    PAPERMILL_OUTPUT_PATH: templates.output,
    lr: 0.5,
  });
});

test("a run saves under the filled-in path, which its result names", async () => {
  const paths = writeTestNotebook("scripted", [scripted(["stream", "stdout", "ran"])]);
  const template = join(paths.folder, "{pm[current_datetime_utc]:%Y}", "out.ipynb");
  const { output } = await runNotebook({ ...paths, output: template });
  assert.equal(output, join(paths.folder, String(new Date().getUTCFullYear()), "out.ipynb"));
  const saved = parseNotebook(readFileSync(output, "utf8"), output);
  assert.equal(textOf(saved.cells[0]), "ran");
  assert.equal((saved.metadata.papermill as { output_path: unknown }).output_path, output);
});
