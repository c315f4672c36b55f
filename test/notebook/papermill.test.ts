/**
 * The same notebooks through papermill and through our executor, on the same Python kernel: the files must be alike, but
 * for what is said here. Needs papermill in .venv (`npm run jupyter`), or named by ASTEROLAB_PAPERMILL.
 */

import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "node:test";
import { type RunOptions, runNotebook } from "../../src/notebook/executor";
import {
  type Cell,
  createCell,
  type Notebook,
  parseNotebook,
  serializeNotebook,
} from "../../src/notebook/notebook-file";
import { readParameters } from "../../src/notebook/parameters";
import { prepareOnly } from "../../src/notebook/prepare";
import { projectRoot } from "../../src/version";
import { codeCell, statusOf, writeTestNotebook } from "./notebook-builder";

const papermill = process.env.ASTEROLAB_PAPERMILL ?? join(projectRoot, ".venv", "bin", "papermill");
const prefix = dirname(dirname(papermill));
const hasAll = existsSync(papermill) && existsSync(join(prefix, "share", "jupyter", "kernels", "python3"));
const skip = hasAll ? false : "no papermill with a Python kernel here (npm run jupyter)";
const env = { ...process.env, JUPYTER_PATH: join(prefix, "share", "jupyter") };
process.env.JUPYTER_PATH = env.JUPYTER_PATH;

const ARGUMENTS = {
  p: [
    ["lr", "0.5"],
    ["name", 'a"b'],
    ["on", "True"],
  ],
  y: "{xs: [1, two, null], map: {k: false}}",
} as const;
const PARAMETERS = readParameters({ parameters: ARGUMENTS.p, yaml: [ARGUMENTS.y] });
const FLAGS = [...ARGUMENTS.p.flatMap(([name, value]) => ["-p", name, value]), "-y", ARGUMENTS.y];
const DEFAULTS = codeCell("lr = 0.1\nname = 'x'\non = False\nxs = []\nmap = {}", "parameters");

interface Finished {
  readonly code: number;
  readonly stderr: string;
}

/** Both tools wait for a kernel as long as a busy machine takes. */
const START = { startTimeoutMs: 600_000 };

/** papermill takes seconds to start, during which ours can run. */
function runPapermill(...args: readonly string[]): Promise<Finished> {
  return new Promise((resolve) => {
    execFile(papermill, ["--no-progress-bar", "--start-timeout", "600", ...args], { env }, (error, _, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stderr }),
    );
  });
}

/** Both executed forms of a notebook, and how each tool ended. */
async function runBoth(
  cells: readonly Cell[],
  flags: readonly string[] = [],
  options: Partial<RunOptions> = {},
): Promise<{ theirs: Notebook; ours: Notebook; codes: { theirs: number; ours: number } }> {
  const { input, folder } = writeTestNotebook("python3", cells, "python");
  const output = join(folder, "papermill-{lr}-{{x}}.ipynb");
  const [finished, result] = await Promise.all([
    runPapermill(input, output, ...flags, ...FLAGS, "--cwd", folder),
    runNotebook({
      input,
      output: output.replace("papermill", "ours"),
      cwd: folder,
      parameters: PARAMETERS,
      ...START,
      ...options,
    }),
  ]);
  assert.equal(result.output, join(folder, "ours-0.5-{x}.ipynb"));
  const path = join(folder, "papermill-0.5-{x}.ipynb");
  assert.ok(existsSync(path), finished.stderr);
  const text = readFileSync(path, "utf8");
  const theirs = parseNotebook(text, path);
  assert.equal(serializeNotebook(theirs).trimEnd(), text.trimEnd(), "we write papermill's notebook as it does");
  return { theirs, ours: result.notebook, codes: { theirs: finished.code, ours: result.exitCode } };
}

/** A cell without what differs from run to run: identifiers, times, process numbers and temporary names. */
function comparable(cell: Cell): unknown {
  const { id: _, ...rest } = JSON.parse(JSON.stringify(cell).replace(/ipykernel_\d+/g, "ipykernel_N")) as Cell;
  const record = rest.metadata.papermill as Record<string, unknown> | undefined;
  const times = Object.fromEntries(
    Object.entries(record ?? {}).map(([key, value]) => [key, /time|duration/.test(key) ? typeOf(value) : value]),
  );
  const execution = Object.keys((rest.metadata.execution as object | undefined) ?? {}).sort();
  return { ...rest, metadata: { ...rest.metadata, papermill: times, execution } };
}

/** By nbformat, Jupyter's own library for the files. */
function assertValid(notebook: Notebook): void {
  const script = "import nbformat, sys; nbformat.validate(nbformat.reads(sys.stdin.read(), as_version=4))";
  const python = join(prefix, "bin", "python");
  const input = serializeNotebook(notebook);
  const { status, stderr } = spawnSync(python, ["-W", "error", "-c", script], { encoding: "utf8", input });
  assert.equal(status, 0, stderr);
}

function typeOf(value: unknown): string {
  if (typeof value !== "string") return value === null ? "null" : typeof value;
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/.test(value) ? "time with microseconds" : `"${value}"`;
}

test("outputs, parameters, tags, statuses and metadata are papermill's", { skip }, async () => {
  const cells = [
    createCell("markdown", "# Title", []),
    DEFAULTS,
    codeCell("import sys\nprint(lr, name, on, xs, map)\nprint('warned', file=sys.stderr)\nprint('more')"),
    codeCell(
      "from IPython.display import HTML, SVG, display\ndisplay(HTML('<b>x</b>\\ny'), {'k': 1}, metadata={'m': 1})\n[lr] * 40",
      "kept",
    ),
    codeCell("from IPython.display import display\nh = display('first', display_id=True)\nh.update('second')"),
    codeCell(""),
    codeCell("xs[0]"),
  ];
  const { theirs, ours, codes } = await runBoth(cells, ["--report-mode"], { reportMode: true });
  assert.deepEqual(codes, { theirs: 0, ours: 0 });
  assert.deepEqual(ours.cells.map(comparable), theirs.cells.map(comparable));
  const { papermill: mine, asterolab: _, ...metadata } = ours.metadata as Record<string, Record<string, unknown>>;
  const { papermill: other, ...otherMetadata } = theirs.metadata as Record<string, Record<string, unknown>>;
  assert.deepEqual(metadata, otherMetadata);
  assert.deepEqual(Object.keys(mine!).sort(), Object.keys(other!).sort());
  assert.deepEqual(mine!.parameters, other!.parameters);
  assert.equal(mine!.exception, other!.exception);
  for (const key of ["start_time", "end_time", "duration"]) assert.equal(typeOf(mine![key]), typeOf(other![key]), key);
});

test("a failing cell: the same exit code, statuses, outputs, and marks in the same places", { skip }, async () => {
  const cells = [DEFAULTS, codeCell("print('before')\n1 / 0"), codeCell("never"), createCell("markdown", "end", [])];
  const { theirs, ours, codes } = await runBoth(cells);
  assert.deepEqual(codes, { theirs: 1, ours: 1 });
  const isMark = (cell: Cell): boolean => (cell.metadata.tags as string[])[0] === "papermill-error-cell-tag";
  assert.deepEqual(ours.cells.map(isMark), theirs.cells.map(isMark));
  for (const notebook of [ours, theirs]) {
    const [top, here] = notebook.cells.filter(isMark);
    assert.match(top!.source, /<a href="#papermill-error-cell">In \[3\]<\/a>/);
    assert.match(here!.source, /^<span id="papermill-error-cell"/);
  }
  const rest = (notebook: Notebook): unknown[] => notebook.cells.filter((cell) => !isMark(cell)).map(comparable);
  assert.deepEqual(rest(ours), rest(theirs));
  assert.equal((theirs.metadata.papermill as { exception: unknown }).exception, true);
  assert.equal((ours.metadata.papermill as { exception: unknown }).exception, true);
  assertValid(ours);
});

test("sys.exit(0) ends both runs well", { skip }, async () => {
  const { theirs, ours, codes } = await runBoth([DEFAULTS, codeCell("import sys\nsys.exit(0)"), codeCell("1")]);
  assert.deepEqual(codes, { theirs: 0, ours: 0 });
  assert.deepEqual(
    ours.cells.map((cell) => cell.source),
    theirs.cells.map((cell) => cell.source),
  );
  // papermill calls a cell that ended the run failed; to us, it did what it was to do.
  assert.deepEqual(theirs.cells.map(statusOf), ["completed", "completed", "failed", "pending"]);
  assert.deepEqual(ours.cells.map(statusOf), ["completed", "completed", "completed", "pending"]);
});

test("prepare-only writes the notebook that papermill writes, and each runs what the other prepared", {
  skip,
}, async () => {
  const old = { ...codeCell("lr"), outputs: [{ output_type: "stream" as const, name: "stdout", text: "old" }] };
  const { input, folder } = writeTestNotebook("python3", [DEFAULTS, old], "python");
  const [theirsPath, oursPath] = [join(folder, "theirs.ipynb"), join(folder, "ours.ipynb")];
  await runPapermill(input, theirsPath, "--prepare-only", ...FLAGS);
  await prepareOnly({ input, output: oursPath, parameters: PARAMETERS });
  const [theirs, ours] = [theirsPath, oursPath].map((path) => parseNotebook(readFileSync(path, "utf8"), path));
  assert.deepEqual(ours!.cells.map(comparable), theirs!.cells.map(comparable));
  const keys = (notebook: Notebook): string[] => Object.keys(notebook.metadata.papermill as object).sort();
  assert.deepEqual(keys(ours!), keys(theirs!));

  const [finished, result] = await Promise.all([
    runPapermill(oursPath, join(folder, "theirs-of-ours.ipynb")),
    runNotebook({ input: theirsPath, output: join(folder, "ours-of-theirs.ipynb"), ...START }),
  ]);
  assert.equal(finished.code, 0, finished.stderr);
  assert.equal(result.exitCode, 0);
  const again = readFileSync(join(folder, "theirs-of-ours.ipynb"), "utf8");
  assert.deepEqual(
    parseNotebook(again, "again").cells.map((cell) => cell.outputs),
    result.notebook.cells.map((cell) => cell.outputs),
  );
});
