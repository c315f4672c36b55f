import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { parseNotebook } from "../../src/notebook/notebook-file";
import { projectRoot } from "../../src/version";
import { codeCell, FIXTURES, scripted, writeTestNotebook } from "../notebook/notebook-builder";

const CELLS = [codeCell("[]", "parameters"), scripted(["stream", "stdout", "printed\n"])];

const PROGRAM = join(projectRoot, "bin", "asterolab.js");
const OPTIONS = { encoding: "utf8" as const, env: { ...process.env, JUPYTER_PATH: FIXTURES } };

function notebookRun(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const stdio = ["ignore", "pipe", "pipe"] as ["ignore", "pipe", "pipe"];
  return spawnSync(process.execPath, [PROGRAM, "notebook", "run", ...args], { ...OPTIONS, stdio });
}

/** As a shell joins programs: with pipes, which Node's own are not. */
function shell(script: string): { status: number | null; stdout: string; stderr: string } {
  return spawnSync("sh", ["-c", script.replace(/\brun\b/, `"${process.execPath}" "${PROGRAM}" notebook run`)], OPTIONS);
}

test("notebooks go through pipes: alone, or to the path given", () => {
  const { input, output } = writeTestNotebook("scripted", CELLS);
  for (const script of [`cat "${input}" | run | cat`, `run "${input}" < /dev/null | cat`, `run - - < "${input}"`]) {
    const { status, stdout, stderr } = shell(script);
    assert.equal(status, 0, stderr);
    assert.equal(stderr, "");
    const { cells, metadata } = parseNotebook(stdout, "stdout");
    assert.deepEqual(cells[1]!.outputs, [{ output_type: "stream", name: "stdout", text: "printed\n" }]);
    assert.equal((metadata.papermill as { output_path: unknown }).output_path, "-");
  }
  const { status, stdout } = shell(`cat "${input}" | run "${output}"`);
  assert.equal(status, 0);
  assert.equal(stdout, `${output}\n`);
  assert.ok(existsSync(output));
});

test("--prepare-only runs nothing; option names with underscores are papermill's", () => {
  const { input, output } = writeTestNotebook("tslab-like", [codeCell("let a = 'x';", "parameters")]);
  const { status, stderr } = notebookRun(input, output, "--prepare-only", "--parameters_raw", "a", "7");
  assert.equal(status, 0, stderr);
  assert.match(readFileSync(output, "utf8"), /let a: string = \\"7\\";/);
});

test("--stdout-file and --stderr-file receive what cells print", () => {
  const cells = [
    scripted(["stream", "stdout", "out\n"], ["stream", "stderr", "err\n"], ["stream", "stdout", "more\n"]),
  ];
  const { input, output, folder } = writeTestNotebook("scripted", cells);
  const [out, err] = [join(folder, "o.txt"), join(folder, "e.txt")];
  const options = ["--no-progress-bar", "--no-request-save-on-cell-execute", "--autosave-cell-every", "0"];
  const { status, stderr } = notebookRun(input, output, "--stdout-file", out, "--stderr-file", err, ...options);
  assert.equal(status, 0);
  assert.equal(stderr, "");
  assert.equal(readFileSync(out, "utf8"), "out\nmore\n");
  assert.equal(readFileSync(err, "utf8"), "err\n");
});

test("a notebook is run, its path goes to stdout, its output to stderr when asked for", () => {
  const { input, output } = writeTestNotebook("scripted", CELLS);
  const { status, stdout, stderr } = notebookRun(input, output, "--log-output");
  assert.equal(status, 0, stderr);
  assert.equal(stdout, `${output}\n`);
  assert.match(stderr, /printed/);
});

test("a --stdout-file that takes no more fails the command when the notebook has run", () => {
  const { input, output } = writeTestNotebook("scripted", CELLS);
  const { status, stdout, stderr } = notebookRun(input, output, "--stdout-file", "/dev/full", "--no-progress-bar");
  assert.equal(stderr, 'asterolab: Cannot write --stdout-file "/dev/full": no space left on the disk\n');
  assert.deepEqual([status, stdout], [1, `${output}\n`]);
  assert.match(readFileSync(output, "utf8"), /printed/);
});

test("a device is written to, not replaced, and papermill's names for the defaults are options, too", () => {
  const { input, folder } = writeTestNotebook("scripted", CELLS);
  const [sink, full] = ["null", "full"].map((name) => join(folder, name));
  symlinkSync("/dev/null", sink!);
  symlinkSync("/dev/full", full!);
  const defaults = ["--progress-bar", "--request-save-on-cell-execute", "--no-log-output", "--no-report-mode"];
  assert.equal(notebookRun(input, sink!, ...defaults).status, 0);
  const refused = notebookRun(input, full!, "--no-progress-bar");
  assert.deepEqual(
    [refused.status, refused.stderr],
    [1, `asterolab: Cannot write "${full}": no space left on the disk\n`],
  );
  for (const path of [sink!, full!]) assert.ok(lstatSync(path).isSymbolicLink());
});

test("verify tells what differs and ends with 1; --lax, tags and a time limit decide what counts", () => {
  const outputs = [{ output_type: "stream" as const, name: "stdout", text: "other\n" }];
  const cells = [scripted(["stream", "stdout", "printed\n"], ["sleep", 400])].map((cell) => ({ ...cell, outputs }));
  const { input } = writeTestNotebook("scripted", cells);
  const verify = (...flags: string[]): (string | number | null)[] => {
    const args = [PROGRAM, "notebook", "verify", input, ...flags];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, OPTIONS);
    return [status, stdout, stderr.replace(/^(?!asterolab).*\n/gm, "")];
  };
  assert.deepEqual(verify(), [1, 'cell 0: output 0: stdout line 1 is "printed", was "other"\n', ""]);
  assert.deepEqual(verify("--lax"), [0, `${input}: the same outputs\n`, ""]);
  const [status, , stderr] = verify("--execution-timeout", "0.1");
  assert.equal(status, 1);
  assert.match(String(stderr), /stopped at cell 0: CellTimeoutError: the cell took longer than 0\.1 s/);
  assert.equal(verify("--execution-timeout", "0")[0], 2);
  for (const [flag, value] of [
    ["--rtol", "abc"],
    ["--atol", "-1"],
    ["--rtol", ""],
  ] as const) {
    assert.deepEqual(verify(flag, value), [
      2,
      "",
      `asterolab: ${flag} must be a number of at least 0, got "${value}"\n`,
    ]);
  }
});

test("a failing cell ends the command with exit code 1 and its error on stderr", () => {
  const { input, output } = writeTestNotebook("scripted", [scripted(["error", "RangeError", "too far"])]);
  const { status, stderr } = notebookRun(input, output);
  assert.equal(status, 1);
  assert.match(stderr, /asterolab: Notebook ".*out\.ipynb" stopped at cell 0: RangeError: too far/);
});

test("-p and -r take a name and a value each, anywhere and below zero", () => {
  const { input, output } = writeTestNotebook("tslab-like", [codeCell("let a = 1;\nlet b = 'x';", "parameters")]);
  const words = ["-p", "a", "-0.5", "-k", "scripted", input, "-r", "b", "7", output];
  notebookRun(...words); // the scripted kernel cannot run TypeScript; the injected cell is what counts
  const injected = parseNotebook(readFileSync(output, "utf8"), output).cells.find(({ source }) =>
    source.startsWith("// Parameters"),
  );
  assert.equal(injected!.source, '// Parameters\nlet a: number = -0.5;\nlet b: string = "7";\n');
});

test("a wrong request ends with exit code 2 and one line, and writes nothing", () => {
  const { input, output } = writeTestNotebook("scripted", [codeCell("let epochs = 1;", "parameters")]);
  const wrong: readonly (readonly [string[], RegExp])[] = [
    [["-p", "epochs"], /^asterolab: option '-p, --parameters <name> <value>' argument missing$/],
    [["-p", "epoch", "2"], /^asterolab: Cannot set parameter "epoch" .* did you mean "epochs"\?$/],
    [["-p", "epochs", "many"], /^asterolab: Cannot set parameter "epochs" .* to "many": its type is number$/],
    [["--kernel", "none"], /^asterolab: Cannot find kernel "none"; installed are /],
    [
      ["--execution-timeout", "soon"],
      /^asterolab: option '--execution-timeout <seconds>' argument 'soon' is invalid\. expected a number of seconds above 0\.$/,
    ],
    [
      ["--stdout-file", "/no/such/file"],
      /^asterolab: Cannot write --stdout-file "\/no\/such\/file": no such file or folder$/,
    ],
    [["--rank", "2"], /^asterolab: unknown option '--rank'/],
    [["--cwd", "/no/such"], /^asterolab: Cannot run in "\/no\/such": no such file or folder$/],
    [["--cwd", input], /^asterolab: Cannot run in ".*in\.ipynb": it is a file, expected a folder$/],
  ];
  for (const [args, text] of wrong) {
    const { status, stderr } = notebookRun(input, output, ...args);
    assert.equal(status, 2, stderr);
    assert.match(stderr.trim().split("\n")[0]!, text);
    assert.equal(existsSync(output), false);
  }
  for (const [flag, value] of [
    ["--rtol", "abc"],
    ["--atol", "-1"],
  ] as const) {
    const { status, stderr } = spawnSync(
      process.execPath,
      [PROGRAM, "notebook", "verify", input, flag, value],
      OPTIONS,
    );
    assert.deepEqual([status, stderr], [2, `asterolab: ${flag} must be a number of at least 0, got "${value}"\n`]);
  }
  const { status, stderr } = notebookRun();
  assert.deepEqual([status, stderr], [2, "asterolab: notebook run: missing argument 'input'\n"]);
});
