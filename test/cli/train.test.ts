import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test, { type TestContext } from "node:test";
import { type Command, CommanderError } from "commander";
import { trainCommand } from "../../src/cli/train";
import { validateCommand } from "../../src/cli/validate";
import { exitCodeOf } from "../../src/errors";
import { readMetrics } from "../../src/train/metrics-file";
import { temporaryFolder } from "../data/make-shard";
import { tinyConfig, writeTinyData } from "../train/tiny-run";

const bin = join(__dirname, "../../bin/asterolab.js");

const FIRST_EPOCH = "epoch 1/500  training";

function asterolab(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [bin, ...args], { encoding: "utf8" });
}

/** A data set, a config file for it without the folder, and a folder for runs. */
function workspace(t: TestContext): { data: string; config: string; run: string } {
  const folder = temporaryFolder(t);
  const config = join(folder, "tiny.json");
  const { data_dir: _, ...settings } = tinyConfig("unused");
  writeFileSync(config, JSON.stringify(settings));
  return { data: writeTinyData(temporaryFolder(t)), config, run: join(folder, "run") };
}

test("train, restore with the run's own settings, and validate", (t) => {
  const { data, config, run } = workspace(t);
  const set = ["--set", "num_epochs=2", "--set", "validation.every_epochs=2"];
  const first = asterolab("train", "--path", run, "--restore", "no", "--config", config, "--data", data, ...set);
  assert.equal(first.status, 0, first.stderr);
  assert.match(first.stdout, /^finished: 2 epochs, 8 steps in ".*run"\n/);
  assert.match(first.stdout, /\nnumax +ν_max +[\d.]+ +[\d.]+ % +[\d.]+ µHz\n/);
  assert.match(first.stdout, /\nvalidation loss [\d.]+ over 8 spectra; predicting the prior alone: [\d.]+\n/);
  assert.match(first.stderr, /^num_epochs {13}2$/m);
  assert.match(first.stderr, /^epoch 2\/2 {2}training loss [\d.]+ {2}validation loss [\d.]+ \(prior alone [\d.]+\)/m);

  const second = asterolab("train", "--path", run, "--restore", "yes", "--set", "num_epochs=3", "--json");
  assert.equal(second.status, 0, second.stderr);
  const result = JSON.parse(second.stdout);
  assert.deepEqual(
    { path: result.path, stopped: result.stopped, epoch: result.epoch, step: result.step },
    { path: run, stopped: "finished", epoch: 3, step: 12 },
  );
  assert.equal(
    result.validation.parameters.inc.accuracy,
    Math.round(result.validation.parameters.inc.accuracy * 8) / 8,
  );

  const measured = asterolab("validate", "--path", run, "--data", data, "--json", "--engine", "native");
  assert.equal(measured.status, 0, measured.stderr);
  const { loss, rows, parameters, baseline_loss } = JSON.parse(measured.stdout);
  assert.equal(rows, 24);
  assert.deepEqual(Object.keys(parameters), ["numax", "inc"]);
  for (const name of ["accuracy", "mae", "loss"]) assert.equal(typeof parameters.numax[name], "number");
  assert.ok(loss > 0 && baseline_loss > 0);
  const table = asterolab("validate", "--path", join(run, "checkpoint-3.pth"), "--data", data, "--engine", "native");
  assert.equal(table.status, 0, table.stderr);
  assert.match(table.stdout, /^parameter .*\nnumax .*\ninc .*\nvalidation loss /);
});

for (const signal of ["SIGUSR1", "SIGTERM"] as const) {
  test(`${signal} while a run starts is heard: it ends in order before its first step, and begins with the next restore`, async (t) => {
    const { data, config, run } = workspace(t);
    const args = ["train", "--path", run, "--restore", "no", "--config", config, "--data", data];
    const child = spawn(process.execPath, [bin, ...args], { stdio: ["ignore", "ignore", "pipe"] });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      // The settings are written before the engine, the data and the folder are opened.
      if (!stderr.includes("num_epochs") && (stderr + text).includes("num_epochs")) child.kill(signal);
      stderr += text;
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    assert.equal(code, signal === "SIGUSR1" ? 138 : 143, stderr);
    assert.match(stderr, new RegExp(`^${signal}: saving after this step; once more ends at once$`, "m"));
    assert.match(stderr, /interrupted after step 0; --restore yes goes on from here/);
    const second = asterolab("train", "--path", run, "--restore", "yes", "--set", "num_epochs=1", "--json");
    assert.equal(second.status, 0, second.stderr);
    assert.match(second.stderr, /^no checkpoint in ".*run": a new run starts$/m);
    assert.equal(JSON.parse(second.stdout).step, 4);
  });
}

test("of several config files the later ones win, on several ranks too", (t) => {
  const { data, config, run } = workspace(t);
  const [second, third] = ["second.json", "third.json"].map((name) => join(dirname(config), name)) as [string, string];
  writeFileSync(second, JSON.stringify({ num_epochs: 3, seed: 5, edges: { inc: [-1, 30, 91] } }));
  writeFileSync(third, JSON.stringify({ num_epochs: 1 }));
  for (const ranks of [[], ["--ranks", "1"]]) {
    const configs = [config, second, third].flatMap((file) => ["--config", file]);
    const flags = ["--data", data, "--threads", "1"];
    const ended = asterolab("train", "--path", run, "--restore", "no", ...flags, ...configs, ...ranks);
    assert.equal(ended.status, 0, ended.stderr);
    const { num_epochs, seed, threads, edges, heads } = JSON.parse(readFileSync(join(run, "config.json"), "utf8"));
    assert.deepEqual([num_epochs, seed, threads, edges.inc, heads], [1, 5, 1, [-1, 30, 91], ["numax", "inc"]]);
    assert.equal(edges.numax.length, 5);
  }
});

test("SIGINT saves after the present step and ends with 130; --restore yes goes on", async (t) => {
  const { data, config, run } = workspace(t);
  const args = [
    "train",
    "--path",
    run,
    "--restore",
    "no",
    "--config",
    config,
    "--data",
    data,
    "--set",
    "num_epochs=500",
  ];
  const child = spawn(process.execPath, [bin, ...args, "--set", "log_every=1"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    const wasTold = stderr.includes(FIRST_EPOCH);
    stderr += text;
    if (!wasTold && stderr.includes(FIRST_EPOCH)) child.kill("SIGINT");
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  assert.equal(code, 130, stderr);
  const steps = (await readMetrics(run)).at(-1)!.step;
  assert.match(readFileSync(join(run, "rank-0.log"), "utf8"), new RegExp(`interrupted after step ${steps};`));
  assert.equal(existsSync(join(run, "model.pth")), false);
  const next = Math.ceil((steps + 1) / 4);
  const second = asterolab("train", "--path", run, "--restore", "yes", "--set", `num_epochs=${next}`, "--json");
  assert.equal(second.status, 0, second.stderr);
  assert.match(second.stderr, new RegExp(`after epoch \\d+, step ${steps}\n`));
  assert.equal(JSON.parse(second.stdout).step, next * 4);
});

test("wrong requests end with exit code 2 and one line that says what would be right", async (t) => {
  const { data, config, run } = workspace(t);
  const start = ["--path", run, "--restore", "no"];
  const cases: [Command, string[], RegExp][] = [
    [trainCommand(), ["--restore", "no"], /required option '--path <dir>' not specified/],
    [trainCommand(), ["--path", run], /required option '--restore <yes\|no>' not specified/],
    [trainCommand(), ["--path", run, "--restore", "maybe"], /Allowed choices are yes, no/],
    [trainCommand(), [...start, "--threads", "0"], /^--threads must be an integer of at least 1, got "0"$/],
    [trainCommand(), [...start, "--preset", "huge"], /Allowed choices are reference, default, compact/],
    [trainCommand(), [...start, "--set", "num_epoch=3"], /^Unknown setting "num_epoch"; did you mean "num_epochs"\?$/],
    [trainCommand(), [...start, "--set", "num_epochs=many"], /^Setting "num_epochs" is "many": /],
    [
      trainCommand(),
      [...start, "--config", join(data, "x.json")],
      /^Cannot read config file ".*x\.json": no such file or folder$/,
    ],
    [
      trainCommand(),
      [...start, "--data", data, "--set", `init=${join(data, "x.pth")}`],
      /^Cannot load checkpoint ".*x\.pth": no such file or folder$/,
    ],
    [trainCommand(), [...start, "--config", config, "--data", join(data, "missing")], /^Cannot .*missing"/],
    [validateCommand(), ["--data", data], /required option '--path <dir\|file\.pth>' not specified/],
    [validateCommand(), ["--path", run, "--data", data], /^Cannot open model ".*run": no such file or folder/],
  ];
  for (const [command, args, message] of cases) {
    command.exitOverride().configureOutput({ writeErr: () => undefined });
    await assert.rejects(command.parseAsync(args, { from: "user" }), (error: Error) => {
      assert.match(error.message, message);
      // The command line ends with 2 for every error of its argument parser.
      assert.ok(error instanceof CommanderError || exitCodeOf(error) === 2, `${error.name}: ${error.message}`);
      return true;
    });
  }
  assert.equal(existsSync(run), false);
});
