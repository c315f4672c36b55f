/**
 * What `verify` and `run` do where nbval, nbmake and jupyter-cache check notebooks. Their verdicts were taken from nbval
 * 0.11.0 (`pytest --nbval`, with `--nbval-lax` where it says so), nbmake 1.5.5 (`pytest --nbmake`) and jupyter-cache 1.0.1
 * (`get_cache(...).create_hashed_notebook`) on the same notebooks with the same cells in Python, on ipykernel 7.4.
 */

import assert from "node:assert/strict";
import test from "node:test";
import { NotebookError } from "../../src/errors";
import { runNotebook } from "../../src/notebook/executor";
import {
  type Cell,
  createCell,
  type Notebook,
  type Output,
  readNotebook,
  writeNotebook,
} from "../../src/notebook/notebook-file";
import { codeHash } from "../../src/notebook/provenance";
import { verifyNotebook } from "../../src/notebook/verify";
import { codeCell, FIXTURES, type Step, scripted, statusOf, textOf, writeTestNotebook } from "./notebook-builder";

process.env.JUPYTER_PATH = FIXTURES;

const TOLERANCES = { rtol: 1e-6, atol: 1e-9 };

type Verdict = "passes" | "fails";

interface Case {
  readonly name: string;
  readonly steps: readonly Step[];
  readonly outputs: readonly Output[];
  readonly tags?: readonly string[];
  readonly count?: null;
  /** Of nbval. */
  readonly verdict: Verdict;
  readonly lax?: Verdict;
  /** Where ours differs, as is meant. */
  readonly ours?: Verdict;
}

const print = (text: string, name = "stdout"): Step => ["stream", name, text];
const stream = (text: string, name = "stdout"): Output => ({ output_type: "stream", name, text });
const raise = (evalue: string): Step => ["error", "ValueError", evalue];
const error: Output = { output_type: "error", ename: "ValueError", evalue: "a", traceback: ["x"] };
const shown: Output = { output_type: "display_data", data: { "text/plain": "'a'" }, metadata: {} };

const CASES: readonly Case[] = [
  { name: "the same output", steps: [print("1\n")], outputs: [stream("1\n")], verdict: "passes", lax: "passes" },
  { name: "another output", steps: [print("1\n")], outputs: [stream("2\n")], verdict: "fails", lax: "passes" },
  {
    name: "nbval-ignore-output",
    steps: [print("1\n")],
    outputs: [stream("2\n")],
    tags: ["nbval-ignore-output"],
    verdict: "passes",
  },
  {
    name: "nbval-check-output",
    steps: [print("1\n")],
    outputs: [stream("2\n")],
    tags: ["nbval-check-output"],
    verdict: "fails",
    lax: "fails",
  },
  { name: "nbval-skip", steps: [raise("a")], outputs: [stream("2\n")], tags: ["nbval-skip"], verdict: "passes" },
  {
    name: "nbval-raises-exception",
    steps: [raise("a")],
    outputs: [error],
    tags: ["nbval-raises-exception"],
    verdict: "passes",
  },
  {
    name: "nbval-raises-exception, another one",
    steps: [raise("b")],
    outputs: [error],
    tags: ["nbval-raises-exception"],
    verdict: "fails",
    lax: "passes",
  },
  {
    name: "nbval-raises-exception, and none is raised",
    steps: [],
    outputs: [error],
    tags: ["nbval-raises-exception"],
    verdict: "fails",
  },
  {
    name: "nbval-raises-exception, none is raised, and outputs are ignored",
    steps: [],
    outputs: [error],
    tags: ["nbval-raises-exception", "nbval-ignore-output"],
    verdict: "passes",
  },
  { name: "raises-exception", steps: [raise("a")], outputs: [error], tags: ["raises-exception"], verdict: "passes" },
  {
    name: "skip-execution (which nbval does not know, and nbclient does)",
    steps: [raise("a")],
    outputs: [],
    tags: ["skip-execution"],
    verdict: "fails",
    ours: "passes",
  },
  {
    name: "pieces of streams in another order",
    steps: [print("1\n"), print("e\n", "stderr"), print("2\n")],
    outputs: [stream("1\n2\n"), stream("e\n", "stderr")],
    verdict: "passes",
  },
  {
    name: "a line that was overwritten",
    steps: [print("10%\r20%\r30%\n")],
    outputs: [stream("30%\n")],
    verdict: "passes",
  },
  {
    name: "a view of another widget",
    steps: [["display", { "text/plain": "Box()", "application/vnd.jupyter.widget-view+json": { model_id: "b" } }]],
    outputs: [
      {
        ...shown,
        data: { "text/plain": "Box()", "application/vnd.jupyter.widget-view+json": { model_id: "a" } },
      } as Output,
    ],
    verdict: "passes",
  },
  {
    name: "outputs of unlike kinds in another order: readers see another page",
    steps: [print("1\n"), ["display", { "text/plain": "'a'" }]],
    outputs: [shown, stream("1\n")],
    verdict: "passes",
    ours: "fails",
  },
  {
    name: "a result where there was a display",
    steps: [["result", { "text/plain": "'a'" }]],
    outputs: [shown],
    verdict: "passes",
    ours: "fails",
  },
  {
    name: "a cell that never ran: nothing was promised that could be kept",
    steps: [print("1\n")],
    outputs: [],
    count: null,
    verdict: "passes",
    ours: "fails",
  },
  {
    name: "outputs without a count, as kernels leave that tell none",
    steps: [print("1\n")],
    outputs: [stream("1\n")],
    count: null,
    verdict: "fails",
    ours: "passes",
  },
];

async function verdicts(isLax: boolean): Promise<Verdict[]> {
  const cells = CASES.map(({ steps, outputs, tags = [], count }): Cell => {
    const cell = { ...codeCell(JSON.stringify(steps), ...tags), outputs: structuredClone(outputs) as Output[] };
    return { ...cell, execution_count: count === undefined ? 1 : count };
  });
  const { input } = writeTestNotebook("scripted", cells);
  const { differences, run } = await verifyNotebook({ input, ...TOLERANCES, isLax });
  assert.equal(run.exitCode, 0);
  return CASES.map((_, index) => (differences.some(({ cell }) => cell === index) ? "fails" : "passes"));
}

test("verify heeds nbval's tags and judges outputs as nbval does, or more strictly where it is meant", async () => {
  const found = await verdicts(false);
  assert.deepEqual(
    CASES.map(({ name }, index) => `${name}: ${found[index]}`),
    CASES.map(({ name, verdict, ours = verdict }) => `${name}: ${ours}`),
  );
});

test("verify --lax compares the cells tagged for it alone, as --nbval-lax does", async () => {
  const found = await verdicts(true);
  assert.deepEqual(
    CASES.map(({ name }, index) => `${name}: ${found[index]}`),
    CASES.map(({ name, lax = "passes" }) => `${name}: ${lax}`),
  );
});

test("tags that contradict each other: the last one counts, as in nbval", async () => {
  const tags = ["nbval-check-output", "nbval-ignore-output"];
  for (const [order, count] of [
    [tags, 0],
    [[...tags].reverse(), 1],
  ] as const) {
    const cell = { ...codeCell(JSON.stringify([print("1\n")]), ...order), outputs: [stream("2\n")] };
    const { input } = writeTestNotebook("scripted", [cell]);
    assert.equal((await verifyNotebook({ input, ...TOLERANCES })).differences.length, count);
  }
});

test("nbval's tags are for verify: a run fails where its cells fail", async () => {
  const cells = [codeCell(JSON.stringify([raise("a")]), "nbval-raises-exception")];
  assert.equal((await runNotebook(writeTestNotebook("scripted", cells))).exitCode, 1);
});

/** A notebook with settings of its own under `metadata.execution`. */
async function withSettings(
  execution: unknown,
  ...cells: readonly Cell[]
): Promise<{ input: string; output: string; notebook: Notebook }> {
  const paths = writeTestNotebook("scripted", cells);
  const notebook = await readNotebook(paths.input);
  notebook.metadata.execution = execution;
  await writeNotebook(paths.input, notebook);
  return { ...paths, notebook };
}

test("metadata.execution.timeout goes before the caller's, as in nbmake and jupyter-cache; below 1 is no limit", async () => {
  const late = await withSettings({ timeout: 0.3 }, scripted(["sleep", 20_000]));
  const stopped = await runNotebook({ ...late, executionTimeoutMs: 60_000, interruptGraceMs: 100 });
  assert.deepEqual([stopped.outcome, stopped.error!.evalue], ["timed-out", "the cell took longer than 0.3 s"]);
  for (const timeout of [-1, 0, null]) {
    const patient = await withSettings({ timeout }, scripted(["sleep", 100]));
    assert.equal((await runNotebook({ ...patient, executionTimeoutMs: 20 })).outcome, "completed");
  }
});

test("metadata.execution.allow_errors: cells fail and the run goes on, as in nbmake and jupyter-cache", async () => {
  const cells = [codeCell(JSON.stringify([raise("a")])), scripted(print("ran\n"))];
  const run = await runNotebook(await withSettings({ allow_errors: true }, ...cells));
  assert.deepEqual([run.outcome, run.exitCode], ["completed", 0]);
  assert.deepEqual(run.notebook.cells.map(textOf), ["ValueError: a", "ran\n"]);
  assert.equal((await runNotebook(await withSettings({ allow_errors: false }, ...cells))).exitCode, 1);
});

test("settings of a wrong type are refused before anything starts", async () => {
  const paths = await withSettings({ timeout: "soon", allow_errors: 1 }, scripted());
  await assert.rejects(runNotebook(paths), (error) => {
    assert.ok(error instanceof NotebookError && error.isRequest);
    assert.match(error.message, /^Cannot run ".*in\.ipynb": metadata\.execution\.timeout: .*number.*; metadata\.exec/);
    return true;
  });
  await assert.rejects(readNotebook(paths.output), /no such file/);
});

test("an error that a cell shows and does not fail with is a failure, as in nbmake and papermill", async () => {
  const step: Step = ["show-error", "ZeroDivisionError", "division by zero"];
  const failed = await runNotebook(writeTestNotebook("scripted", [scripted(step), scripted()]));
  assert.deepEqual([failed.exitCode, failed.error!.ename], [1, "ZeroDivisionError"]);
  const [cell] = [codeCell(JSON.stringify([step]), "raises-exception")];
  const tolerated = await runNotebook(writeTestNotebook("scripted", [cell]));
  assert.deepEqual([tolerated.exitCode, statusOf(tolerated.notebook.cells[0])], [0, "completed"]);
});

test("the key of the pipeline's cache: prose and outputs do not count, code and the tags that decide how it runs do", () => {
  const changes: readonly (readonly [name: string, change: (notebook: Notebook) => unknown, counts: boolean])[] = [
    ["prose", ({ cells }) => cells.push(createCell("markdown", "prose", [])), false],
    ["an output", ({ cells }) => cells[0]!.outputs!.push(shown), false],
    ["a source", ({ cells }) => Object.assign(cells[0]!, { source: "f( )" }), true],
    ["the order", ({ cells }) => cells.reverse(), true],
    ["a tag that skips", ({ cells }) => Object.assign(cells[0]!.metadata, { tags: ["skip-execution"] }), true],
    ["a tag that lets fail", ({ cells }) => Object.assign(cells[0]!.metadata, { tags: ["raises-exception"] }), true],
    // jupyter-cache answers as above, and says that these count: any tag, and the kernelspec, which our pipeline
    // compares by itself (`pipeline/run.test`).
    ["another tag", ({ cells }) => Object.assign(cells[0]!.metadata, { tags: ["hide-input"] }), false],
    ["the kernel", ({ metadata }) => Object.assign(metadata, { kernelspec: { name: "b" } }), false],
  ];
  const base: Notebook = { nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [codeCell("f()"), codeCell("g()")] };
  const found = changes.map(([name, change]) => {
    const copy = structuredClone(base);
    change(copy);
    return [name, codeHash(copy) !== codeHash(base)];
  });
  assert.deepEqual(
    found,
    changes.map(([name, , counts]) => [name, counts]),
  );
});
