/**
 * One kernel through 2,000 cells, while a file that they import changes beside it: every result right, the memory of the
 * cells' process and of the front (which holds the compiler) level after a warm-up, nothing left running.
 */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { streamOf, TestClient } from "../kernel/test-client";
import { processesUnder } from "../notebook/notebook-builder";

const CELLS = 2000;
const LOOK_EVERY = 100;
/** Cells until the compiler's caches are full. */
const WARM_UP = 500;
/** Of the median after the warm-up. */
const GROWTH_LIMIT = 0.2;

test("a kernel runs 2,000 cells", { timeout: 3 * 3600_000 }, async (t) => {
  const client = await TestClient.start();
  let isStopped = false;
  t.after(async () => {
    if (!isStopped) await client.stop();
  });
  const beside = join(client.folder, "beside.ts");
  const front = client.process.pid!;
  const startedAt = performance.now();
  const sizes: { readonly cells: number; readonly frontMiB: number; readonly userMiB: number }[] = [];
  await client.execute("let total = 0;");
  for (let index = 0, total = 0; index < CELLS; index++) {
    if (index % LOOK_EVERY === 0) {
      writeFileSync(beside, `export const added = ${index};\n`);
      const [user] = processesUnder(front);
      sizes.push({ cells: index, frontMiB: residentMiB(front), userMiB: residentMiB(user!) });
      t.diagnostic(JSON.stringify({ ...sizes.at(-1), seconds: Math.round((performance.now() - startedAt) / 1000) }));
    }
    total += index;
    const { reply, published } = await client.execute(sourceOf(index));
    assert.equal(reply.status, "ok", `cell ${index}: ${JSON.stringify(reply)}`);
    assert.equal(streamOf(published), `${total}\n`, `cell ${index}`);
    client.messages.length = 0; // or the test would grow in the kernel's place
  }
  const level = sizes.filter(({ cells }) => cells >= WARM_UP);
  for (const process of ["frontMiB", "userMiB"] as const) {
    const values = level.map((size) => size[process]);
    const middle = [...values].sort((a, b) => a - b)[values.length >> 1]!;
    assert.ok(values.at(-1)! <= (1 + GROWTH_LIMIT) * middle, `${process}: ${values.join(", ")}`);
  }
  assert.equal(await client.stop(), 0);
  isStopped = true;
  assert.deepEqual(processesUnder(process.pid), []);
});

/** Every tenth cell declares something new, every twenty-fifth imports the file that changes. */
function sourceOf(index: number): string {
  const declared = index % 10 === 0 ? `const at${index / 10} = { index: ${index}, text: "cell" };\n` : "";
  const imported = index % 25 === 0 ? 'import { added } from "./beside";\n' : "";
  const used = index % 25 === 0 ? "total += 0 * added;\n" : "";
  return `${imported}${declared}${used}total += ${index};\nconsole.log(total);`;
}

/** Linux's count of a process's memory; elsewhere none. */
function residentMiB(pid: number): number {
  try {
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024);
  } catch {
    return 0;
  }
}
