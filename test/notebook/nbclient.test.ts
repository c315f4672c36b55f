/**
 * The same notebooks through nbclient and through our executor, on the same Python kernel. Needs nbclient in .venv (`npm
 * run jupyter`), or where papermill is that ASTEROLAB_PAPERMILL names. All run at once in one process of nbclient.
 */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { before, test } from "node:test";
import { type RunResult, runNotebook } from "../../src/notebook/executor";
import { type Cell, createCell, type Notebook, type Output, readNotebook } from "../../src/notebook/notebook-file";
import { projectRoot } from "../../src/version";
import { temporaryFolder } from "../temporary-folder";
import { codeCell, statusOf, textOf, writeTestNotebook } from "./notebook-builder";

const papermill = process.env.ASTEROLAB_PAPERMILL ?? join(projectRoot, ".venv", "bin", "papermill");
const prefix = dirname(dirname(papermill));
const hasAll = existsSync(papermill) && existsSync(join(prefix, "share", "jupyter", "kernels", "python3"));
const skip = hasAll ? false : "no nbclient with a Python kernel here (npm run jupyter)";
process.env.JUPYTER_PATH = join(prefix, "share", "jupyter");

/** Runs the notebooks of a list all at once; answers with what each became, and the exception that ended it. */
const NBCLIENT = `
import asyncio, json, sys, nbformat
from nbclient import NotebookClient
async def nudge(client):
    # Sending beside a wait, as nbclient does for Output widgets, can lose the event waited for; a look finds it again.
    while True:
        await asyncio.sleep(0.2)
        if client.kc is not None and client.kc.channels_running:
            client.kc.shell_channel.socket.EVENTS
async def run(job):
    notebook = nbformat.read(job["path"], as_version=4)
    resources = {"metadata": {"path": job["folder"]}}
    client = NotebookClient(notebook, timeout=job["timeout"], startup_timeout=600, iopub_timeout=60, resources=resources)
    nudging = asyncio.ensure_future(nudge(client)) if job["nudge"] else None
    error = None
    try:
        await client.async_execute()
    except Exception as exception:
        error = type(exception).__name__
    if nudging is not None:
        nudging.cancel()
    return {"error": error, "notebook": notebook}
async def main(jobs):
    return await asyncio.gather(*(run(job) for job in jobs))
json.dump(asyncio.run(main(json.load(sys.stdin))), sys.stdout)
`;

const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

/** The kernel prints this error and tells it in its reply; ours makes it an output, too, for those who look there. */
const REPLY_ONLY = "line_magic_error";

/** One notebook for everything that does not end it: each cell under the name of nbclient's fixture for it. */
const OUTPUTS: readonly (readonly [string, Cell])[] = [
  ["HelloWorld", codeCell('print("Hello World")')],
  ["Factorials", codeCell("i, j = 1, 1\nfor m in range(10):\n    i, j = j, i + j\n    print(j)")],
  ["Unicode", codeCell('print("☃ 😀")\n"♥"')],
  ["Empty Cell", codeCell("")],
  ["blank cell", codeCell(" \n\n")],
  ["markdown", createCell("markdown", "# Title", [])],
  [
    "SVG",
    codeCell(
      'from IPython.display import SVG\nSVG(\'<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>\')',
    ),
  ],
  [
    "Inline Image",
    codeCell(`import base64\nfrom IPython.display import Image\nImage(data=base64.b64decode('${PNG}'))`),
  ],
  [
    "Clear Output: at once",
    codeCell("from IPython.display import clear_output\nfor i in range(9):\n    clear_output()\n    print(i)"),
  ],
  ["Clear Output: wait", codeCell("print('old')\nclear_output(wait=True)\nprint('new')")],
  ["Clear Output: wait for nothing", codeCell("print('stays')\nclear_output(wait=True)")],
  [
    "update-display-id: first",
    codeCell("from IPython.display import display\nhandle = display('1', display_id='here')"),
  ],
  [
    "update-display-id: again",
    codeCell("other = display('2', display_id='here')\nx = display('other', display_id='else')"),
  ],
  ["update-display-id: update", codeCell("handle.update('3', metadata={'k': 1})")],
  [
    "Output: both streams",
    codeCell("import sys\nprint('out', flush=True)\nprint('err', file=sys.stderr, flush=True)\nprint('more')"),
  ],
  [
    "Other Comms",
    codeCell("from comm import create_comm\ncreate_comm(target_name='x', data={'a': 1}).send({'b': 2})\n'sent'"),
  ],
  ["Disable Stdin", codeCell("try:\n    input('name?')\nexcept Exception as e:\n    print(type(e).__name__)")],
  ["Skip Exceptions with Cell Tags", codeCell("# üñîçø∂é\nraise Exception('message')", "raises-exception")],
  ["Skip Exceptions: the next cell", codeCell("print('went on')")],
  ["Skip Execution with Cell Tag", codeCell("print('never')\nraise RuntimeError", "skip-execution")],
  ["Sleep", codeCell("import time\ntime.sleep(0.1)")],
  [REPLY_ONLY, codeCell("%not_a_magic", "raises-exception")],
  ["the last", codeCell("len(In)")],
];

/** Needs ipywidgets beside the kernel. Ids of widgets are random; the first cell makes those of the notebook plain. */
const WIDGETS: readonly (readonly [string, Cell])[] = [
  ["models and a view", codeCell("import ipywidgets as w\nslider = w.IntSlider(3)\nbox = w.VBox([slider])\nbox")],
  ["JupyterWidgets: a later value", codeCell("slider.value = 7\nslider.description = 'ν ☃'")],
  ["a buffer", codeCell("image = w.Image(value=b'\\x00PNG\\xff', width=4)\nimage")],
  ["another buffer in its place", codeCell("image.value = bytes(range(256))")],
  ["a closed widget", codeCell("gone = w.FloatProgress(0.5)\ngone.close()")],
  [
    "a custom message, another target",
    codeCell(
      "slider.send({'event': 'x'})\nfrom comm import create_comm\nc = create_comm(target_name='x', data={'state': {'k': 1}})",
    ),
  ],
  [
    "Output",
    codeCell(
      "import sys\nout = w.Output()\ndisplay(out)\nprint('before')\nwith out:\n    print('in')\n    print('in too')\n    print('err', file=sys.stderr)\n    display({'text/plain': 'shown'}, raw=True)\nprint('after')",
    ),
  ],
  ["Output: the kernel knows what was taken", codeCell("[(o['output_type'], o.get('text')) for o in out.outputs]")],
  [
    "Output: from another cell, with a result and an error",
    codeCell("with out:\n    display(w.Label('l'))\n    0 / 0\n'went on'"),
  ],
  ["Output: cleared at once", codeCell("out.clear_output()\nwith out:\n    print('again')")],
  ["Output: cleared when the next comes", codeCell("out.clear_output(wait=True)\nwith out:\n    print('new')")],
  [
    "Output: cleared when nothing comes",
    codeCell("waiting = w.Output()\nwith waiting:\n    print('stays')\nwaiting.clear_output(wait=True)"),
  ],
  [
    "Output: nested",
    codeCell(
      "inner = w.Output()\nwith out:\n    print('outer')\n    with inner:\n        print('inner')\n    print('outer again')\nprint('cell')",
    ),
  ],
  [
    "Output: nested in itself",
    codeCell("with out:\n    with out:\n        print('twice')\n    print('once')\nprint('not')"),
  ],
  [
    "Output: what the kernel knows at the end",
    codeCell("[[o.get('text') for o in x.outputs] for x in (out, inner, waiting)]"),
  ],
];

/** A notebook that can only end when the other one runs beside it. */
function rendezvous(mine: string, other: string): Cell[] {
  return [
    codeCell(
      `import os, time\nopen('${mine}', 'w').close()\nwhile not os.path.exists('${other}'):\n    time.sleep(0.05)\nprint('met')`,
    ),
  ];
}

const hasWidgets = hasAll && packageFolders().some((folder) => existsSync(join(folder, "ipywidgets")));
const skipWidgets = hasWidgets ? false : "no ipywidgets beside the Python kernel (npm run jupyter)";

const NOTEBOOKS: Readonly<Record<string, readonly Cell[]>> = {
  outputs: OUTPUTS.map(([, cell]) => cell),
  ...(hasWidgets && { widgets: WIDGETS.map(([, cell]) => cell) }),
  error: [codeCell("print('before')"), codeCell("0 / 0"), codeCell("print('never')")],
  autokill: [codeCell("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"), codeCell("1")],
  interrupt: [codeCell("while True: pass"), codeCell("1")],
  parallelA: rendezvous("a", "b"),
  parallelB: rendezvous("b", "a"),
};
/** The endless cell alone has one. */
const TIMEOUT_SECONDS = 3;

interface Theirs {
  readonly error: string | null;
  readonly notebook: Notebook;
}

const theirs: Record<string, Theirs> = {};
const ours: Record<string, RunResult> = {};

before(
  async () => {
    if (skip !== false) return;
    const meeting = temporaryFolder();
    const jobs = Object.entries(NOTEBOOKS).map(([name, cells]) => {
      const { input, output, folder } = writeTestNotebook("python3", cells, "python");
      const timeoutMs = name === "interrupt" ? TIMEOUT_SECONDS * 1000 : undefined;
      return { name, input, output, folder: name.startsWith("parallel") ? meeting : folder, timeoutMs };
    });
    const answers = await runNbclient(
      jobs.map(({ name, input, folder, timeoutMs }) => ({
        path: input,
        nudge: name === "widgets",
        folder,
        timeout: timeoutMs === undefined ? null : timeoutMs / 1000,
      })),
    );
    for (const name of ["a", "b"]) rmSync(join(meeting, name));
    for (const [index, { name }] of jobs.entries()) theirs[name] = answers[index]!;
    await Promise.all(
      jobs.map(async ({ name, input, output, folder, timeoutMs }) => {
        ours[name] = await runNotebook({
          input,
          output,
          cwd: folder,
          startTimeoutMs: 600_000,
          ...(timeoutMs !== undefined && { executionTimeoutMs: timeoutMs }),
        });
        assert.deepEqual((await readNotebook(output)).cells, JSON.parse(JSON.stringify(ours[name]!.notebook.cells)));
      }),
    );
  },
  { timeout: 1_800_000 },
);

function packageFolders(): string[] {
  const libraries = join(prefix, "lib");
  return readdirSync(libraries).map((python) => join(libraries, python, "site-packages"));
}

function runNbclient(jobs: readonly object[]): Promise<Theirs[]> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      join(prefix, "bin", "python"),
      ["-c", NBCLIENT],
      { maxBuffer: 2 ** 26 },
      (error, stdout, stderr) => {
        if (error !== null) reject(new Error(stderr));
        else resolve(JSON.parse(stdout) as Theirs[]);
      },
    );
    child.stdin!.end(JSON.stringify(jobs));
  });
}

/** Outputs without what differs from run to run; nbclient keeps each piece of a stream as an output of its own. */
function outputsOf(cell: Cell): { outputs: Output[]; count: unknown } {
  const outputs: Output[] = [];
  for (const output of JSON.parse(
    JSON.stringify(cell.outputs ?? []).replace(/ipykernel_\d+/g, "ipykernel_N"),
  ) as Output[]) {
    const last = outputs.at(-1);
    if (output.output_type === "stream" && last?.output_type === "stream" && last.name === output.name)
      last.text += output.text;
    else outputs.push(output);
  }
  return { outputs, count: cell.execution_count };
}

for (const [index, [name]] of OUTPUTS.entries()) {
  test(`${name}: outputs, count and timing keys are nbclient's`, { skip }, () => {
    const [mine, other] = [ours.outputs!.notebook.cells[index]!, theirs.outputs!.notebook.cells[index]!];
    const expected = outputsOf(other);
    if (name === REPLY_ONLY) expected.outputs.push(mine.outputs!.at(-1)!);
    assert.deepEqual(outputsOf(mine), expected);
    const keys = ({ metadata }: Cell): string[] => Object.keys((metadata.execution as object | undefined) ?? {}).sort();
    assert.deepEqual(keys(mine), keys(other));
    assert.equal(statusOf(mine), "completed");
  });
}

/** With the random ids of widgets numbered as they come; the order is that in which the kernel opened them. */
function withPlainIds(notebook: Notebook): Notebook {
  const ids = Object.keys(statesOf(notebook));
  const text = ids.reduce((json, id, index) => json.replaceAll(id, `widget-${index}`), JSON.stringify(notebook));
  return JSON.parse(text) as Notebook;
}

function statesOf(notebook: Notebook): object {
  const widgets = notebook.metadata.widgets as { "application/vnd.jupyter.widget-state+json": { state: object } };
  return widgets["application/vnd.jupyter.widget-state+json"].state;
}

for (const [index, [name]] of WIDGETS.entries()) {
  test(`widgets, ${name}: the cell's outputs are nbclient's`, { skip: skipWidgets }, () => {
    const [mine, other] = [ours.widgets!, theirs.widgets!].map(({ notebook }) => withPlainIds(notebook).cells[index]!);
    assert.deepEqual(outputsOf(mine!), outputsOf(other!));
  });
}

test("JupyterWidgets, store_widget_state: the state in the metadata is nbclient's", { skip: skipWidgets }, () => {
  assert.deepEqual([theirs.widgets!.error, ours.widgets!.exitCode], [null, 0]);
  const [mine, other] = [ours.widgets!, theirs.widgets!].map(({ notebook }) => withPlainIds(notebook));
  assert.equal(Object.keys(statesOf(mine!)).length, 19);
  assert.deepEqual(mine!.metadata.widgets, other!.metadata.widgets);
});

test("line_magic_error: the error of the reply is an output of ours", { skip }, () => {
  const index = OUTPUTS.findIndex(([name]) => name === REPLY_ONLY);
  const last = ours.outputs!.notebook.cells[index]!.outputs!.at(-1)!;
  assert.equal(last.output_type === "error" && last.ename, "UsageError");
});

test("the notebook of outputs ends well in both", { skip }, () => {
  assert.equal(theirs.outputs!.error, null);
  assert.deepEqual([ours.outputs!.outcome, ours.outputs!.exitCode], ["completed", 0]);
});

test("Error: the run ends there in both, with the same outputs", { skip }, () => {
  assert.equal(theirs.error!.error, "CellExecutionError");
  assert.deepEqual([ours.error!.outcome, ours.error!.exitCode], ["failed", 1]);
  const code = (notebook: Notebook): unknown[] =>
    notebook.cells.filter((cell) => cell.cell_type === "code").map(outputsOf);
  assert.deepEqual(code(ours.error!.notebook), code(theirs.error!.notebook));
});

test("Autokill: a dead kernel ends both; ours says which cell it was", { skip }, () => {
  assert.equal(theirs.autokill!.error, "DeadKernelError");
  assert.deepEqual([ours.autokill!.outcome, ours.autokill!.exitCode], ["kernel-died", 138]);
  const code = ours.autokill!.notebook.cells.filter((cell) => cell.cell_type === "code");
  assert.deepEqual(code.map(statusOf), ["failed", "pending"]);
});

test("Interrupt: a cell that does not end is timed out by both", { skip }, () => {
  assert.equal(theirs.interrupt!.error, "CellTimeoutError");
  assert.deepEqual([ours.interrupt!.outcome, ours.interrupt!.exitCode], ["timed-out", 1]);
});

test("Parallel Execute: two runs at once, in both", { skip }, () => {
  for (const name of ["parallelA", "parallelB"]) {
    assert.equal(theirs[name]!.error, null);
    assert.equal(textOf(theirs[name]!.notebook.cells[0]), "met\n");
    assert.equal(ours[name]!.outcome, "completed");
    assert.equal(textOf(ours[name]!.notebook.cells[0]), "met\n");
  }
});
