import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { maybeReadRecord } from "../../src/pipeline";
import { projectRoot } from "../../src/version";
import { codeCell, FIXTURES, isAlive, processesUnder, scripted, writeTestNotebook } from "../notebook/notebook-builder";
import { temporaryFolder } from "../temporary-folder";

const PROGRAM = join(projectRoot, "bin", "asterolab.js");
const env = { ...process.env, JUPYTER_PATH: FIXTURES };

function pipeline(cwd: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const command = [PROGRAM, "pipeline", ...args];
  return spawnSync(process.execPath, command, { cwd, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

test("commands run as stages: what they print is kept, a failure is told, status says what is left", () => {
  const { folder, input } = writeTestNotebook("scripted", [codeCell("let epochs = 1; // passes", "parameters")]);
  writeFileSync(
    join(folder, "p.yaml"),
    `output: out
stages:
  inspect: { command: [notebook, inspect, in.ipynb, --json], inputs: [in.ipynb], stdout: "{output}/inspect.json" }
  wrong: { command: [predict, none.npy, --model, none], after: [inspect] }
  late: { notebook: in.ipynb, after: [wrong] }
`,
  );
  const run = pipeline(folder, "run", "p.yaml");
  assert.equal(run.status, 1, run.stderr);
  assert.equal(run.stdout, "3 stages: 1 done, 1 failed, 1 blocked; out/index.html\n");
  const lines = run.stderr.split("\n").filter((line) => !/^\w+ {2,} {3}/.test(line));
  assert.equal(lines[0], "inspect  runs: it never ran");
  assert.match(run.stderr, /^inspect {2}done after /m);
  assert.match(
    run.stderr,
    /^wrong {4}failed after .*: "asterolab predict none\.npy --model none" ended with exit code [12]: asterolab: /m,
  );
  assert.match(run.stderr, /^late {5}does not run: wrong did not end well$/m);
  assert.equal(JSON.parse(readFileSync(join(folder, "out", "inspect.json"), "utf8")).epochs.help, "passes");
  assert.match(readFileSync(join(folder, "out", "wrong.log"), "utf8"), /none/);
  assert.ok(existsSync(input));

  const status = pipeline(folder, "status", "p.yaml");
  assert.equal(status.status, 0, status.stderr);
  const rows = status.stdout.split("\n").map((line) => line.split(/ {2,}/));
  assert.deepEqual(rows[0], ["stage", "state", "last run", "took", "why"]);
  assert.deepEqual(rows[1]!.slice(0, 3), ["inspect", "fresh", "done"]);
  assert.deepEqual([rows[2]![1], rows[2]!.at(-1)], ["stale", "it failed last time"]);
  assert.deepEqual(rows[3], ["late", "stale", "it never ran; after wrong"]);
});

test("results may go to a folder anywhere", () => {
  const { folder } = writeTestNotebook("scripted", [scripted()]);
  const away = temporaryFolder();
  writeFileSync(
    join(folder, "p.yaml"),
    `output: "{runs}"
variables: { runs: out }
stages:
  kernels: { command: [kernels, list, --json], stdout: "{runs}/kernels.json", outputs: ["{runs}/kernels.json"] }
  again: { notebook: in.ipynb, inputs: ["{runs}/kernels.json"] }
`,
  );
  const run = pipeline(folder, "run", "p.yaml", "--set", `runs=${away}`);
  assert.equal(run.status, 0, run.stderr);
  assert.equal(run.stdout, `2 stages: 2 done; ${away}/index.html\n`);
  assert.ok(existsSync(join(away, "again.ipynb")));
  assert.match(readFileSync(join(away, "index.html"), "utf8"), /href="kernels\.json"/);
  const second = pipeline(folder, "run", "p.yaml", "--set", `runs=${away}`);
  assert.equal(second.stdout, `2 stages: 2 skipped; ${away}/index.html\n`, second.stderr);
});

test("Ctrl-C stops the command that runs, and leaves a record that says so", async () => {
  const folder = temporaryFolder();
  const words = "simulate, --out, data, --shards, 4, --validation-shards, 1, --spectra, 4096, --seed, 1";
  writeFileSync(join(folder, "p.yaml"), `output: out\nstages:\n  many: { command: [${words}], outputs: [data] }\n`);
  const child = spawn(process.execPath, [PROGRAM, "pipeline", "run", "p.yaml"], {
    cwd: folder,
    env,
    stdio: ["ignore", "ignore", "ignore"],
  });
  const exit = new Promise((resolve) => child.once("exit", resolve));
  while (!existsSync(join(folder, "data")) && child.exitCode === null) await sleep(50);
  const pids = processesUnder(child.pid!);
  assert.ok(pids.length > 0, "the command runs");
  child.kill("SIGINT");
  assert.equal(await exit, 130);
  assert.equal(maybeReadRecord(join(folder, "out"))!.stages.many!.status, "interrupted");
  assert.deepEqual(pids.filter(isAlive), []);
});

test("a wrong request ends with exit code 2 and one line", () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "p.yaml"), "variables: { epochs: 1 }\nstages:\n  a: { command: [doctor] }\n");
  const wrong: readonly (readonly [string[], string])[] = [
    [["run", "p.yaml", "--stage", "b"], 'pipeline run: there is no stage "b"; there are a'],
    [
      ["graph", "p.yaml", "--set", "epoch=2"],
      'Cannot use pipeline "p.yaml": there is no variable "epoch"; did you mean "epochs"?',
    ],
    [["status", "none.yaml"], 'Cannot read pipeline "none.yaml": no such file or folder'],
  ];
  for (const [args, text] of wrong) {
    const { status, stderr } = pipeline(folder, ...args);
    assert.equal(status, 2, stderr);
    assert.equal(stderr, `asterolab: ${text}\n`);
  }
});
