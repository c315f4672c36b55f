import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { DataError, KernelError } from "../../src/errors";
import { Interruption, runNotebook } from "../../src/notebook/executor";
import { type Cell, parseNotebook } from "../../src/notebook/notebook-file";
import {
  codeCell,
  FIXTURES,
  isAlive,
  processesUnder,
  scripted,
  statusOf,
  textOf,
  writeTestNotebook,
} from "./notebook-builder";

process.env.JUPYTER_PATH = FIXTURES;
const REPOSITORY = join(__dirname, "..", "..");

function read(path: string): { cells: Cell[]; exception: unknown; outcome: unknown } {
  const { cells, metadata } = parseNotebook(readFileSync(path, "utf8"), path);
  const { exception } = metadata.papermill as { exception: unknown };
  return { cells, exception, outcome: (metadata.asterolab as { outcome: unknown }).outcome };
}

test("a kernel that dies ends the run with exit code 138; its cell failed, the rest is pending", async () => {
  const paths = writeTestNotebook("scripted", [
    scripted(),
    scripted(["print", "last words"], ["sleep", 100], ["die", 3]),
    scripted(),
  ]);
  const { outcome, exitCode, error } = await runNotebook(paths);
  assert.equal(outcome, "kernel-died");
  assert.equal(exitCode, 138);
  assert.match(error!.message, /KernelError: Kernel "scripted" ended with exit code 3; it printed: last words$/);
  const saved = read(paths.output);
  const statuses = saved.cells.filter((cell) => cell.cell_type === "code").map(statusOf);
  assert.deepEqual(statuses, ["completed", "failed", "pending"]);
  assert.equal(saved.exception, true);
  assert.equal(saved.outcome, "kernel-died");
});

test("a cell that takes too long ends the run, and what the kernel started ends with it", async () => {
  const paths = writeTestNotebook("scripted", [
    scripted(["stream", "stdout", "begun "], ["spawn"], ["sleep", 60_000]),
    scripted(),
  ]);
  const startedAt = Date.now();
  const { outcome, exitCode } = await runNotebook({ ...paths, executionTimeoutMs: 400 });
  assert.ok(Date.now() - startedAt < 5000);
  assert.equal(outcome, "timed-out");
  assert.equal(exitCode, 1);
  const saved = read(paths.output);
  const [, started] = /^begun (\d+)\nCellTimeoutError: the cell took longer than 0\.4 s$/.exec(textOf(saved.cells[2]))!;
  await until(() => !isAlive(Number(started)));
  assert.equal(statusOf(saved.cells[3]), "pending");
  assert.deepEqual(processesUnder(process.pid), []);
});

test("a cell over its time is interrupted first, so that it can save what it has", async () => {
  const paths = writeTestNotebook("asterolab", [
    codeCell("await new Promise((go) => setTimeout(go, 60_000));"),
    codeCell("1"),
  ]);
  const { outcome, error } = await runNotebook({
    ...paths,
    cwd: REPOSITORY,
    executionTimeoutMs: 1500,
    interruptGraceMs: 120_000,
  });
  assert.equal(outcome, "timed-out");
  assert.match(error!.message, /CellTimeoutError: the cell took longer than 1\.5 s$/);
  const { cells } = read(paths.output);
  const names = cells[2]!.outputs!.map((output) => (output.output_type === "error" ? output.ename : "none"));
  assert.deepEqual(names, ["KeyboardInterrupt", "CellTimeoutError"]);
  assert.deepEqual(processesUnder(process.pid), []);
});

test("sys.exit() of Python ends the run well; the cells after it stay pending", async () => {
  const paths = writeTestNotebook("scripted", [scripted(["error", "SystemExit", "0"]), scripted()]);
  const { outcome, exitCode, error } = await runNotebook(paths);
  assert.deepEqual([outcome, exitCode, error], ["completed", 0, undefined]);
  assert.deepEqual(read(paths.output).cells.map(statusOf), ["completed", "pending"]);
  const failing = writeTestNotebook("scripted", [scripted(["error", "SystemExit", "2"])]);
  assert.equal((await runNotebook(failing)).exitCode, 1);
});

test("an abort before the kernel is ready leaves a valid file with every cell pending", async () => {
  const paths = writeTestNotebook("scripted", [scripted()]);
  const signal = AbortSignal.abort(new Interruption("SIGINT"));
  const { outcome, exitCode } = await runNotebook({ ...paths, signal });
  assert.equal(outcome, "interrupted");
  assert.equal(exitCode, 130);
  assert.equal(statusOf(read(paths.output).cells[0]), "pending");
  assert.deepEqual(processesUnder(process.pid), []);
});

test("SIGTERM during a cell: exit code 143, a valid file that says so, and no process left", async () => {
  const paths = writeTestNotebook("scripted", [
    scripted(["stream", "stdout", "begun"]),
    scripted(["spawn"], ["sleep", 60_000]),
  ]);
  const child = spawn(
    process.execPath,
    [join(REPOSITORY, "bin", "asterolab.js"), "notebook", "run", paths.input, paths.output],
    {
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  await until(() => statusOf(savedCell(paths.output, 1)) === "running");
  const started = processesUnder(child.pid!);
  assert.ok(started.length > 0);
  child.kill("SIGTERM");
  assert.equal(await exitOf(child), 143);
  const { cells, exception, outcome } = read(paths.output);
  const statuses = cells.filter((cell) => cell.cell_type === "code").map(statusOf);
  assert.deepEqual(statuses, ["completed", "failed"]);
  assert.equal(exception, true);
  assert.equal(outcome, "interrupted");
  assert.match(textOf(cells.at(-1)), /Interruption: the run was ended by SIGTERM/);
  assert.deepEqual(started.filter(isAlive), []);
});

test("a kernel that cannot start, ends at once or never answers is an error that says why", async () => {
  const commands: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["absent", ["/no/such/program"], /^Cannot start kernel "absent": spawn \/no\/such\/program ENOENT$/],
    [
      "ending",
      ["node", "-e", "console.error('no licence'); process.exit(4)"],
      /^Kernel "ending" ended with exit code 4; it printed: no licence$/,
    ],
    [
      "silent",
      ["node", "-e", "setInterval(() => {}, 1000)"],
      /^Kernel "silent" did not answer within 0\.5 s of its start$/,
    ],
  ];
  for (const [name, argv, text] of commands) {
    const paths = writeTestNotebook(name, [scripted()]);
    mkdirSync(join(paths.folder, "kernels", name), { recursive: true });
    writeFileSync(join(paths.folder, "kernels", name, "kernel.json"), JSON.stringify({ argv, language: "typescript" }));
    process.env.JUPYTER_PATH = paths.folder;
    await assert.rejects(runNotebook({ ...paths, startTimeoutMs: name === "silent" ? 500 : 20_000 }), (error) => {
      assert.ok(error instanceof KernelError);
      assert.match(error.message, text);
      return true;
    });
    assert.equal(statusOf(read(paths.output).cells[0]), "pending");
    assert.equal(read(paths.output).exception, true);
  }
  process.env.JUPYTER_PATH = FIXTURES;
  assert.deepEqual(processesUnder(process.pid), []);
});

test("a kernel whose port another process has taken is started again, three times at most", async () => {
  const fixture = join(FIXTURES, "kernels", "scripted", "kernel.js");
  for (const [taken, starts] of [
    [1, 2],
    [9, 3],
  ] as const) {
    const paths = writeTestNotebook("unlucky", [scripted()]);
    const record = join(paths.folder, "starts");
    const program =
      `const fs = require("node:fs"); fs.appendFileSync(${JSON.stringify(record)}, "x"); ` +
      `if (fs.readFileSync(${JSON.stringify(record)}).length <= ${taken}) ` +
      `{ console.error("Error: Address already in use"); process.exit(1); } ` +
      `process.argv.splice(1, 0, "kernel.js"); require(${JSON.stringify(fixture)});`;
    const argv = ["node", "-e", program, "{connection_file}"];
    mkdirSync(join(paths.folder, "kernels", "unlucky"), { recursive: true });
    const spec = JSON.stringify({ argv, language: "typescript" });
    writeFileSync(join(paths.folder, "kernels", "unlucky", "kernel.json"), spec);
    process.env.JUPYTER_PATH = paths.folder;
    if (taken < starts) assert.equal((await runNotebook(paths)).outcome, "completed");
    else
      await assert.rejects(
        runNotebook(paths),
        /^KernelError: Kernel "unlucky" ended with exit code 1; it printed: Error: Address/,
      );
    assert.equal(readFileSync(record, "utf8").length, starts);
  }
  process.env.JUPYTER_PATH = FIXTURES;
  assert.deepEqual(processesUnder(process.pid), []);
});

test("an output that cannot be written is an error, and no kernel starts", async () => {
  const paths = writeTestNotebook("scripted", [scripted()]);
  const output = join(paths.input, "out.ipynb");
  await assert.rejects(runNotebook({ ...paths, output }), (error) => {
    assert.ok(error instanceof DataError);
    assert.match(error.message, /in\.ipynb": a (part of the path is a file|file is in the way)/);
    return true;
  });
});

test("the connection file is private and gone after the run", async () => {
  const runtime = join(writeTestNotebook("scripted", []).folder, "runtime");
  process.env.JUPYTER_RUNTIME_DIR = runtime;
  const paths = writeTestNotebook("scripted", [scripted(["sleep", 200])]);
  const modes: string[] = [];
  await runNotebook({
    ...paths,
    onEvent: (event) => {
      if (event.kind !== "cell-start") return;
      for (const name of readdirSync(runtime)) modes.push((statSync(join(runtime, name)).mode & 0o777).toString(8));
    },
  });
  delete process.env.JUPYTER_RUNTIME_DIR;
  assert.deepEqual(modes, ["600"]);
  assert.deepEqual(readdirSync(runtime), []);
});

function savedCell(path: string, index: number): Cell | undefined {
  try {
    return parseNotebook(readFileSync(path, "utf8"), path).cells[index];
  } catch {
    return undefined;
  }
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 300 && !isTrue(); attempt++) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(isTrue());
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once("exit", resolve));
}
