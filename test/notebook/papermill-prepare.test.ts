/**
 * What papermill does to a notebook before a kernel starts, and what we do to the same one: injection, overrides, paths,
 * upgrades and refusals, all from one process of papermill. Needs papermill in .venv (`npm run jupyter`), or named by
 * ASTEROLAB_PAPERMILL.
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { before, test } from "node:test";
import { type Cell, createCell, type Notebook, parseNotebook } from "../../src/notebook/notebook-file";
import { type PrepareOptions, prepareOnly } from "../../src/notebook/prepare";
import { projectRoot } from "../../src/version";
import { codeCell, writeTestNotebook } from "./notebook-builder";

const papermill = process.env.ASTEROLAB_PAPERMILL ?? join(projectRoot, ".venv", "bin", "papermill");
const prefix = dirname(dirname(papermill));
const skip = existsSync(papermill) ? false : "no papermill here (npm run jupyter)";

const PAPERMILL = `
import json, sys, logging
import papermill
logging.disable(logging.CRITICAL)
answers = []
for job in json.load(sys.stdin):
    try:
        papermill.execute_notebook(**job, prepare_only=True, progress_bar=False)
        answers.append(None)
    except Exception as error:
        answers.append(type(error).__name__)
json.dump(answers, sys.stdout)
`;

interface Case {
  readonly name: string;
  readonly cells: readonly Cell[];
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly theirOptions?: Readonly<Record<string, unknown>>;
  readonly ourOptions?: Partial<PrepareOptions>;
  /** Replaces the notebook's metadata. */
  readonly metadata?: object;
  readonly minor?: number;
  /** The end of the path, a template. */
  readonly output?: string;
}

const DEFAULTS = codeCell("lr = 0.1\nname = 'x'", "parameters");
const BODY = codeCell("lr");
const INJECTED = codeCell("# Parameters\nlr = 9\n", "injected-parameters");
const LR = { lr: 0.5 };

/** Both write a notebook, and the notebooks are alike. */
const ALIKE: readonly Case[] = [
  { name: "after the cell of defaults", cells: [BODY, DEFAULTS, BODY], parameters: LR },
  { name: "after the first of two cells of defaults", cells: [DEFAULTS, BODY, DEFAULTS], parameters: LR },
  { name: "on top without a cell of defaults (no_parameters)", cells: [BODY], parameters: LR },
  { name: "in place of the cell injected before", cells: [DEFAULTS, BODY, INJECTED], parameters: LR },
  { name: "in place of it without a cell of defaults, too", cells: [BODY, INJECTED], parameters: LR },
  { name: "nothing without parameters", cells: [DEFAULTS, INJECTED, BODY] },
  {
    name: "values of every kind (complex_parameters)",
    cells: [codeCell("a = b = c = d = e = f = g = h = None", "parameters")],
    parameters: {
      a: 'it\'s "quoted"\n\\ and more',
      b: -7,
      c: 0.25,
      d: true,
      e: null,
      f: [1, "two", [3.5, false]],
      g: { k: { l: [null] }, "x y": 1 },
      h: "",
    },
  },
  { name: "cells of format 4.4 gain ids (nb_version_4.4)", cells: [DEFAULTS, BODY], parameters: LR, minor: 4 },
  {
    name: "code hidden (report_mode_test)",
    cells: [createCell("markdown", "# T", []), DEFAULTS, BODY],
    parameters: LR,
    theirOptions: { report_mode: true },
    ourOptions: { reportMode: true },
  },
  {
    name: "another kernel, which the metadata do not take over (-k)",
    cells: [DEFAULTS],
    parameters: LR,
    theirOptions: { kernel_name: "python2", language: "python" },
    ourOptions: { kernel: "python2", language: "python" },
  },
  {
    name: "marks of an earlier failure taken out (broken1)",
    cells: [createCell("markdown", "<span>failed</span>", ["papermill-error-cell-tag"]), DEFAULTS, BODY],
    parameters: LR,
  },
  { name: "a path with parameters", cells: [DEFAULTS], parameters: LR, output: "{lr}-{{x}}.ipynb" },
  {
    name: "a parameter called pm in place of papermill's own",
    cells: [codeCell("pm = 1", "parameters")],
    parameters: { pm: 4 },
    output: "{pm}.ipynb",
  },
  {
    name: "outputs of an earlier run kept",
    cells: [
      DEFAULTS,
      { ...BODY, outputs: [{ output_type: "stream", name: "stdout", text: "a\nb\n" }], execution_count: 3 },
    ],
    parameters: LR,
  },
];

/** Both refuse, papermill with the exception named. */
const REFUSED: readonly (Case & { readonly theirs: string; readonly ours: RegExp })[] = [
  {
    name: "a path with a name that has no value",
    cells: [DEFAULTS],
    parameters: LR,
    output: "{lrr}.ipynb",
    theirs: "PapermillMissingParameterException",
    ours: /there is no value for "lrr"/,
  },
  {
    name: "a notebook that tells no language (blank-vscode)",
    cells: [DEFAULTS],
    parameters: LR,
    metadata: {},
    theirs: "ValueError",
    ours: /^NotebookError: Cannot tell the language/,
  },
  {
    name: "a language without translation (notimplemented_translator)",
    cells: [DEFAULTS],
    parameters: LR,
    metadata: { kernelspec: { name: "no-such", display_name: "", language: "no-such" } },
    theirs: "PapermillException",
    ours: /its language is "no-such", expected typescript, javascript, python$/,
  },
];

/** papermill warns and sets it. */
const UNKNOWN: Case = { name: "an unknown name", cells: [DEFAULTS], parameters: { lrr: 0.5 } };

interface Outcome {
  readonly theirs: string | null;
  readonly theirPath: string;
  readonly prepare: () => Promise<string>;
}

const outcomes = new Map<string, Outcome>();

before(() => {
  if (skip !== false) return;
  const all = [...ALIKE, ...REFUSED, UNKNOWN];
  const jobs = all.map((one) => {
    const { input, folder } = writeTestNotebook("python3", one.cells, "python");
    const raw = JSON.parse(readFileSync(input, "utf8")) as Record<string, unknown>;
    if (one.minor === 4) for (const cell of raw.cells as Record<string, unknown>[]) delete cell.id;
    const changed = { ...raw, nbformat_minor: one.minor ?? 5, ...(one.metadata && { metadata: one.metadata }) };
    writeFileSync(input, JSON.stringify(changed));
    const output = (tool: string): string => join(folder, `${tool}-${one.output ?? "out.ipynb"}`);
    const parameters = Object.entries(one.parameters ?? {}).map(([name, value]) => ({ name, candidates: [value] }));
    const prepare = (): Promise<string> =>
      prepareOnly({ input, output: output("ours"), parameters, ...one.ourOptions });
    return { one, input, theirPath: output("theirs"), prepare };
  });
  const answers = JSON.parse(
    execFileSync(join(prefix, "bin", "python"), ["-W", "ignore", "-c", PAPERMILL], {
      encoding: "utf8",
      input: JSON.stringify(
        jobs.map(({ one, input, theirPath }) => ({
          input_path: input,
          output_path: theirPath,
          parameters: one.parameters ?? {},
          ...one.theirOptions,
        })),
      ),
    }),
  ) as (string | null)[];
  for (const [index, { one, theirPath, prepare }] of jobs.entries()) {
    outcomes.set(one.name, { theirs: answers[index]!, theirPath, prepare });
  }
});

function comparable(notebook: Notebook): unknown {
  const { papermill: record, asterolab: _, ...metadata } = notebook.metadata as Record<string, Record<string, unknown>>;
  const { version: __, input_path: ___, output_path: ____, ...rest } = record ?? {};
  return {
    cells: notebook.cells.map(({ id, ...cell }) => ({ ...cell, id: typeof id })),
    metadata,
    rest,
    minor: notebook.nbformat_minor,
  };
}

for (const { name } of ALIKE) {
  test(`alike: ${name}`, { skip }, async () => {
    const { theirs, theirPath, prepare } = outcomes.get(name)!;
    assert.equal(theirs, null);
    const ours = await prepare();
    const path = join(dirname(ours), ours.slice(dirname(ours).length + 1).replace(/^ours/, "theirs"));
    assert.ok(existsSync(path), `papermill filled in ${theirPath} otherwise`);
    const [mine, other] = [ours, path].map((file) => parseNotebook(readFileSync(file, "utf8"), file));
    assert.deepEqual(comparable(mine!), comparable(other!));
  });
}

for (const { name, theirs, ours } of REFUSED) {
  test(`refused: ${name}`, { skip }, async () => {
    const outcome = outcomes.get(name)!;
    assert.equal(outcome.theirs, theirs);
    await assert.rejects(outcome.prepare(), ours);
  });
}

test("an unknown name is set by both in Python, whose declarations nobody looks into", { skip }, async () => {
  const { theirs, prepare } = outcomes.get(UNKNOWN.name)!;
  assert.equal(theirs, null);
  const saved = parseNotebook(readFileSync(await prepare(), "utf8"), "ours");
  assert.equal(saved.cells[1]!.source, "# Parameters\nlrr = 0.5\n");
});
