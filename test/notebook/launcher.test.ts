import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { findKernelSpec } from "../../src/notebook/kernelspecs";
import { temporaryFolder } from "../temporary-folder";
import { isAlive, processesUnder } from "./notebook-builder";

test("the kernel ends when its parent is killed, even inside a computation", {
  skip: process.platform !== "linux",
}, async (t) => {
  const folder = temporaryFolder(t);
  const script = `
    const { Kernel } = require(${JSON.stringify(join(__dirname, "..", "..", "src", "notebook", "kernel.ts"))});
    const { findKernelSpec } = require(${JSON.stringify(join(__dirname, "..", "..", "src", "notebook", "kernelspecs.ts"))});
    Kernel.start(findKernelSpec("asterolab"), { cwd: ${JSON.stringify(folder)}, startTimeoutMs: 30000, onOutput() {} }).then((kernel) => {
      kernel.execute("for (;;) {}");
      setTimeout(() => console.log(kernel.pid), 500);
    });`;
  assert.equal(findKernelSpec("asterolab").language, "typescript");
  const parent = spawn(process.execPath, ["--require", "ts-node/register", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, JUPYTER_RUNTIME_DIR: join(folder, "runtime") },
  });
  const pid = Number(await new Promise((resolve) => parent.stdout.once("data", resolve)));
  const started = processesUnder(parent.pid!);
  assert.equal(started[0], pid);
  assert.equal(started.length, 2, "the kernel and the process of its cells");
  parent.kill("SIGKILL");
  for (let attempt = 0; attempt < 60 && started.some(isAlive); attempt++)
    await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(started.filter(isAlive), []);
  assert.deepEqual(readdirSync(join(folder, "runtime")), [], "the connection file is gone, too");
});
