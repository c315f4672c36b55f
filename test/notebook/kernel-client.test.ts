import assert from "node:assert/strict";
import test from "node:test";
import { createConnectionFile } from "../../src/notebook/connection";
import { KernelClient } from "../../src/notebook/kernel-client";
import { KernelProcess } from "../../src/notebook/kernel-process";
import { findKernelSpec, kernelCommand } from "../../src/notebook/kernelspecs";
import { FIXTURES } from "./notebook-builder";

process.env.JUPYTER_PATH = FIXTURES;

test("output that this side takes in slowly is waited for, however short the limit for a lost end", async (t) => {
  const connection = await createConnectionFile("scripted");
  const kernel = await KernelProcess.start(kernelCommand(findKernelSpec("scripted"), connection.path), {
    cwd: process.cwd(),
    env: process.env,
  });
  let received = 0;
  const client = new KernelClient(connection.info, {
    onOutput: ({ header }) => {
      if (header.msg_type !== "stream") return;
      received++;
      const end = performance.now() + 1;
      while (performance.now() < end);
    },
  });
  t.after(async () => {
    await client.close();
    await kernel.stop(0);
    await connection.remove();
  });
  await client.ready();
  const steps = Array.from({ length: 4000 }, (_, index) => ["stream", "stdout", `${index}\n`]);
  const { isComplete } = await client.execute(JSON.stringify(steps), { idleTimeoutMs: 200 });
  assert.deepEqual([isComplete, received], [true, 4000]);
});
