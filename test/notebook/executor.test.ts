import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { NotebookError } from "../../src/errors";
import { type RunEvent, type RunOptions, type RunResult, runNotebook } from "../../src/notebook/executor";
import { type Cell, parseNotebook } from "../../src/notebook/notebook-file";
import { startRun } from "../../src/notebook/run-record";
import { codeCell, FIXTURES, scripted, statusOf, textOf, writeTestNotebook } from "./notebook-builder";

process.env.JUPYTER_PATH = FIXTURES;

async function run(cells: readonly Cell[], options: Partial<RunOptions> = {}): Promise<RunResult & { saved: Cell[] }> {
  const paths = writeTestNotebook("scripted", cells);
  const result = await runNotebook({ ...paths, ...options });
  const saved = parseNotebook(readFileSync(paths.output, "utf8"), paths.output);
  assert.deepEqual(saved.cells, JSON.parse(JSON.stringify(result.notebook.cells)), "the file holds the result");
  return { ...result, saved: saved.cells };
}

test("cells run in order; streams, displays and results become outputs", async () => {
  const { outcome, exitCode, saved, notebook } = await run([
    scripted(
      ["stream", "stdout", "a\n"],
      ["stream", "stdout", "b\n"],
      ["stream", "stderr", "c\n"],
      ["stream", "stdout", "d\n"],
    ),
    scripted(["display", { "text/plain": "shown" }], ["unknown"], ["result", { "text/plain": "value" }]),
    codeCell("  \n"),
  ]);
  assert.equal(outcome, "completed");
  assert.equal(exitCode, 0);
  assert.deepEqual(saved[0]!.outputs, [
    { output_type: "stream", name: "stdout", text: "a\nb\n" },
    { output_type: "stream", name: "stderr", text: "c\n" },
    { output_type: "stream", name: "stdout", text: "d\n" },
  ]);
  assert.deepEqual(saved[1]!.outputs, [
    { output_type: "display_data", data: { "text/plain": "shown" }, metadata: {} },
    { output_type: "execute_result", data: { "text/plain": "value" }, metadata: {}, execution_count: 2 },
  ]);
  assert.deepEqual(
    saved.map((cell) => cell.execution_count),
    [1, 2, null],
  );
  assert.deepEqual(saved.map(statusOf), ["completed", "completed", "completed"]);
  const keys = ["iopub.execute_input", "iopub.status.busy", "iopub.status.idle", "shell.execute_reply"];
  assert.deepEqual(Object.keys(saved[0]!.metadata.execution as object).sort(), keys);
  assert.equal((notebook.metadata.papermill as { exception: unknown }).exception, null);
  assert.deepEqual(notebook.metadata.language_info, { name: "typescript" });
});

test("clear_output with wait keeps the old output until the next one comes", async () => {
  const { saved } = await run([
    scripted(["stream", "stdout", "old"], ["clear", true], ["stream", "stdout", "new"]),
    scripted(["stream", "stdout", "stays"], ["clear", true]),
    scripted(["stream", "stdout", "gone"], ["clear", false]),
  ]);
  assert.deepEqual(saved.map(textOf), ["new", "stays", ""]);
});

test("an update changes every output with its id, in whatever cell, and creates none", async () => {
  const { saved } = await run([
    scripted(["display", { "text/plain": "1" }, "a"], ["display", { "text/plain": "other" }, "b"]),
    scripted(["display", { "text/plain": "2" }, "a"], ["update", { "text/plain": "3" }, "a"], ["update", {}, "none"]),
  ]);
  assert.deepEqual(saved.map(textOf), ["3other", "3"]);
});

test("output that comes after its cell ended stays with that cell", async () => {
  const { saved } = await run([scripted(["late", "late"]), scripted(["sleep", 100], ["stream", "stdout", "second"])]);
  assert.deepEqual(saved.map(textOf), ["late", "second"]);
});

test("a burst of 20000 messages arrives whole", async () => {
  const lines = Array.from({ length: 20_000 }, (_, index) => `${index}\n`);
  const { saved } = await run([scripted(...lines.map((line) => ["stream", "stdout", line]))]);
  assert.equal(textOf(saved[0]), lines.join(""));
});

test("a failing cell ends the run: exit code 1, marks around it, the rest pending", async () => {
  const cells = [scripted(), scripted(["stream", "stdout", "x"], ["error", "RangeError", "too far"]), scripted()];
  const { outcome, exitCode, error, saved, notebook } = await run(cells);
  assert.equal(outcome, "failed");
  assert.equal(exitCode, 1);
  assert.match(error!.message, /^Notebook ".*out\.ipynb" stopped at cell 1: RangeError: too far$/);
  assert.equal(error!.cellIndex, 1);
  assert.deepEqual(
    saved.map((cell) => cell.cell_type),
    ["markdown", "code", "markdown", "code", "code"],
  );
  assert.deepEqual(saved.map(statusOf), [undefined, "completed", undefined, "failed", "pending"]);
  assert.match(saved[0]!.source, /href="#papermill-error-cell">In \[2\]/);
  assert.match(saved[2]!.source, /id="papermill-error-cell"/);
  for (const index of [0, 2]) assert.deepEqual(saved[index]!.metadata.tags, ["papermill-error-cell-tag"]);
  assert.equal((notebook.metadata.papermill as { exception: unknown }).exception, true);
  assert.equal(textOf(saved[3]), "xRangeError: too far");
});

test("the next run removes the marks of a failure", async () => {
  const paths = writeTestNotebook("scripted", [scripted(["error", "Error", "once"])]);
  await runNotebook(paths);
  const again = await runNotebook({ input: paths.output, output: paths.output });
  assert.equal(again.notebook.cells.filter((cell) => cell.cell_type === "markdown").length, 2);
});

test("the next run removes what the last one noted: its outcome, its widgets, truncated outputs", async () => {
  const cell = { ...scripted(), metadata: { asterolab: { outputs_truncated: true, other: 1 } } };
  const { input, output } = writeTestNotebook("scripted", [cell, scripted(["cwd"])]);
  const notebook = parseNotebook(readFileSync(input, "utf8"), input);
  Object.assign(notebook.metadata, { widgets: { old: {} }, asterolab: { outcome: "failed", widgets_dropped: 3 } });
  notebook.cells[1]!.metadata.asterolab = { outputs_truncated: true };
  startRun(notebook, { inputPath: input, outputPath: output, parameters: {} });
  assert.deepEqual([notebook.metadata.widgets, notebook.metadata.asterolab], [undefined, undefined]);
  assert.deepEqual(
    notebook.cells.map(({ metadata }) => metadata.asterolab),
    [{ other: 1 }, undefined],
  );
});

test("an error that only the reply tells becomes an output", async () => {
  const { saved, exitCode } = await run([scripted(["silent-error", "KeyError", "k"])]);
  assert.equal(exitCode, 1);
  assert.equal(textOf(saved[2]), "KeyError: k");
});

test("a cell tagged raises-exception may fail, and a kernel that refuses the next one is asked again", async () => {
  const failing = { ...scripted(["error", "E", "v"]), metadata: { tags: ["raises-exception"] } };
  const { outcome, saved } = await run([failing, scripted(["refuse", 2]), scripted(["stream", "stdout", "ran"])]);
  assert.equal(outcome, "completed");
  assert.equal(textOf(saved[2]), "ran");
});

test("a kernel that keeps refusing is a failure", async () => {
  const { exitCode, error } = await run([scripted(["refuse", 100]), scripted()]);
  assert.equal(exitCode, 1);
  assert.match(error!.message, /the kernel answered "aborted" and gave no reason/);
});

test("a request for keyboard input fails the cell instead of waiting", async () => {
  const { exitCode, error, saved } = await run([scripted(), scripted(["input"])]);
  assert.equal(exitCode, 1);
  assert.match(textOf(saved[3]), /^got ""InputRequestError/);
  assert.match(error!.message, /InputRequestError: the cell asked for keyboard input/);
});

test("a kernel that never says idle costs a note, not the run", async () => {
  const { outcome, saved } = await run([scripted(["stream", "stdout", "kept\n"], ["no-idle"])]);
  assert.equal(outcome, "completed");
  assert.match(textOf(saved[0]), /^kept\n\[asterolab\] the kernel never reported the end/);
  assert.deepEqual(saved[0]!.metadata.asterolab, { outputs_truncated: true });
});

test("the kernel runs in --cwd, with the environment of its spec", async () => {
  const { saved, notebook } = await run([scripted(["cwd"], ["env", "SCRIPTED_HOME"], ["env", "JPY_PARENT_PID"])], {
    cwd: FIXTURES,
  });
  assert.equal(textOf(saved[0]), `${FIXTURES}\n${process.env.HOME}/scripted\n${process.pid}\n`);
  assert.match(String((notebook.metadata.papermill as { version: unknown }).version), /^asterolab \d/);
});

test("events tell the start, each cell and what is printed", async () => {
  const events: RunEvent[] = [];
  await run([scripted(["stream", "stdout", "a"], ["print", "native"], ["sleep", 50])], {
    onEvent: (event) => events.push(event),
  });
  assert.deepEqual(
    events.map((event) => event.kind).filter((kind) => kind !== "stream"),
    ["start", "cell-start", "cell-end"],
  );
  const streams = events.flatMap((event) => (event.kind === "stream" ? [`${event.name}: ${event.text}`] : []));
  assert.deepEqual(streams.sort(), ["kernel: native", "stdout: a"]);
});

test("what is wrong with the request is said before anything is written", async () => {
  const wrong: readonly (readonly [Partial<RunOptions>, RegExp])[] = [
    [{ input: join(FIXTURES, "none.ipynb") }, /^Cannot read notebook ".*none\.ipynb": no such file or folder$/],
    [{ input: __filename }, /^Cannot parse notebook ".*executor\.test\.ts": it is not JSON/],
    [{ kernel: "scriptd" }, /^Cannot find kernel "scriptd"; installed are .*; did you mean "scripted"\?$/],
    [
      { parameters: [{ name: "epoch", candidates: [1] }] },
      /its parameters cell declares epochs; did you mean "epochs"\?$/,
    ],
  ];
  for (const [options, text] of wrong) {
    const paths = writeTestNotebook("scripted", [codeCell("let epochs = 1;", "parameters")]);
    await assert.rejects(runNotebook({ ...paths, ...options }), (error) => {
      assert.ok(error instanceof NotebookError && error.isRequest);
      assert.match(error.message, text);
      return true;
    });
    assert.throws(() => readFileSync(paths.output), /ENOENT/);
  }
});
