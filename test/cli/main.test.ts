import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { openSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

const program = join(__dirname, "..", "..", "bin", "asterolab.js");

function asterolab(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [program, ...args], { encoding: "utf8" });
}

test("--debug stands before the command or after it", () => {
  const { status, stdout, stderr } = asterolab("--debug", "kernels", "list", "--json");
  assert.equal(status, 0, stderr);
  assert.ok(JSON.parse(stdout).some(({ name }: { name: string }) => name === "asterolab"));
  for (const args of [
    ["--debug", "predict", "nowhere.txt", "--logits"],
    ["predict", "nowhere.txt", "--logits", "--debug"],
  ]) {
    assert.match(asterolab(...args).stderr, /--logits needs --json\nCliError: .*\n +at /);
  }
});

test("help COMMAND is COMMAND --help, and each says what its command does", () => {
  const help = asterolab("help", "predict");
  assert.equal(help.status, 0);
  assert.match(help.stdout, /--frequency-unit/);
  assert.equal(help.stdout, asterolab("predict", "--help").stdout);
  for (const command of [
    "train",
    "bench",
    "doctor",
    "notebook",
    "notebook run",
    "pipeline status",
    "kernels install",
  ]) {
    const { stdout } = asterolab(...command.split(" "), "--help");
    assert.match(stdout, new RegExp(`^Usage: asterolab ${command} .*\n\n[a-zA-Z][^:\n]+\n`), command);
  }
});

test("a reader that has read enough ends nothing and prints no stack", async () => {
  for (const closed of ["stdout", "stderr"] as const) {
    const child = spawn(process.execPath, [program, "kernels", "list", ...(closed === "stderr" ? ["--nope"] : [])]);
    child[closed].destroy();
    let text = "";
    const other = closed === "stdout" ? child.stderr : child.stdout;
    other.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    const status = await new Promise((resolve) => child.once("close", resolve));
    assert.deepEqual([status, text], [closed === "stdout" ? 0 : 2, ""]);
  }
});

test("results that cannot be written end in one line and exit code 1", { skip: process.platform !== "linux" }, () => {
  const full = openSync("/dev/full", "w");
  const { status, stderr } = spawnSync(process.execPath, [program, "kernels", "list"], {
    stdio: ["ignore", full, "pipe"],
    encoding: "utf8",
  });
  assert.deepEqual([status, stderr], [1, "asterolab: Cannot write the results: no space left on the disk\n"]);
});
