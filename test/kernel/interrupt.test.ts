import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CellRunner } from "../../src/kernel/cell-runner";
import type { CellOutcome, CompiledCell } from "../../src/kernel/channel";
import { isAlive, processesUnder } from "../notebook/notebook-builder";
import { resultOf, streamOf, TestClient } from "./test-client";

let client: TestClient;
before(async () => {
  client = await TestClient.start();
  await client.execute(
    "let step = 0;\nconst sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));",
  );
});
after(() => client.stop());

const CELLS: readonly (readonly [string, string])[] = [
  ["a computation", "step = 1; console.log('begun'); for (;;) step++;"],
  ["a computation after an await", "await sleep(10); step = 1; console.log('begun'); for (;;) step++;"],
  ["a loop of microtasks", "step = 1; console.log('begun'); for (;;) { step++; await null; }"],
  [
    "a computation in a timer",
    "setTimeout(() => { console.log('begun'); for (;;) step++; }, 10); await sleep(60_000);",
  ],
  ["a waiting cell", "console.log('begun'); step = 1; await sleep(60_000);"],
  [
    "a computation that catches everything",
    "console.log('begun'); for (;;) { try { for (;;) step++; } catch {} finally { step = 0; } }",
  ],
];

for (const [what, code] of CELLS) {
  test(`interrupts ${what}; variables stay, and the next cell runs`, async () => {
    const id = client.send("shell", "execute_request", { code });
    await client.until(() => streamOf(client.of(id)) === "begun\n");
    assert.ok((await client.ping()) < 1000, "the heartbeat goes on");
    const startedAt = performance.now();
    assert.equal((await client.ask("interrupt_request", {}, "control")).reply.status, "ok");
    const { reply } = await client.answerTo(id);
    assert.ok(performance.now() - startedAt < 3000);
    assert.equal(reply.ename, "KeyboardInterrupt");
    const { published } = await client.execute("step >= 0");
    assert.equal(resultOf(published), "true");
  });
}

test("library code that heeds the signal stops by itself, and the cell keeps its result", async () => {
  const code = `
    const hooks = (globalThis as any)[Symbol.for("asterolab.kernel")];
    async function loop(): Promise<string> {
      const release = hooks.hold();
      console.log("begun");
      for (let step = 0; ; step++) {
        const end = performance.now() + 300;
        while (performance.now() < end);
        await sleep(1);
        if (hooks.signal.aborted) { release(); return "saved"; }
      }
    }
    const state = await loop();`;
  const id = client.send("shell", "execute_request", { code });
  await client.until(() => streamOf(client.of(id)) === "begun\n");
  await client.ask("interrupt_request", {}, "control");
  assert.equal((await client.answerTo(id)).reply.ename, "KeyboardInterrupt");
  assert.equal(resultOf((await client.execute("state")).published), "'saved'");
});

test("an interrupt when nothing runs changes nothing", async () => {
  await client.ask("interrupt_request", {}, "control");
  assert.equal(resultOf((await client.execute("1 + 1")).published), "2");
});

test("an interrupt that comes before its cell stops it, and one that comes after its end stops no other", async () => {
  const ends: CellOutcome[] = [];
  const options = { folder: client.folder, builtIns: {}, display: () => undefined, onHold: () => undefined };
  const runner = new CellRunner({ ...options, onEnd: (outcome) => ends.push(outcome) });
  const cell = (file: string, code: string): CompiledCell => ({ file, code, files: [] });
  runner.interrupt("cell[1]");
  runner.run(cell("cell[1]", "globalThis.hasRun = true;"), false);
  assert.equal((globalThis as { hasRun?: boolean }).hasRun, undefined);
  runner.interrupt("cell[1]");
  runner.run(cell("cell[2]", "await null;"), false);
  runner.interrupt("cell[1]");
  while (ends.length < 2) await new Promise((resolve) => setImmediate(resolve));
  const names = ends.map((end) => (end.status === "error" ? end.error.ename : end.status));
  assert.deepEqual(names, ["KeyboardInterrupt", "ok"]);
});

test("an interrupt at any moment of a cell's start stops it", async () => {
  for (let round = 0; round < 40; round++) {
    const id = client.send("shell", "execute_request", { code: `await sleep(3000); ${round}`, stop_on_error: false });
    await client.until(() => client.of(id).length > 1);
    await new Promise((resolve) => setTimeout(resolve, 15 + round));
    client.send("control", "interrupt_request", {});
    assert.equal((await client.answerTo(id)).reply.ename, "KeyboardInterrupt", `after ${15 + round} ms`);
  }
});

test("what an interrupted cell comes to later is no end of the cell that runs then", async () => {
  for (const rest of ["'one'", "throw new Error('of one')"]) {
    const id = client.send("shell", "execute_request", { code: `console.log('begun'); await sleep(800); ${rest}` });
    await client.until(() => streamOf(client.of(id)) === "begun\n");
    await client.ask("interrupt_request", {}, "control");
    assert.equal((await client.answerTo(id)).reply.ename, "KeyboardInterrupt");
    const { reply, published } = await client.execute("await sleep(1500); 'two'");
    assert.deepEqual([reply.evalue, resultOf(published)], [undefined, "'two'"]);
  }
});

test("SIGINT interrupts as the message does", async () => {
  const id = client.send("shell", "execute_request", { code: "console.log('begun'); for (;;);" });
  await client.until(() => streamOf(client.of(id)) === "begun\n");
  client.process.kill("SIGINT");
  assert.equal((await client.answerTo(id)).reply.ename, "KeyboardInterrupt");
});

test("a shutdown in the middle of a computation leaves no process", async () => {
  const own = await TestClient.start();
  const id = own.send("shell", "execute_request", { code: "console.log('begun'); for (;;);" });
  await own.until(() => streamOf(own.of(id)) === "begun\n");
  const started = processesUnder(own.process.pid!);
  assert.ok(started.length > 0, "the process of the cells");
  assert.equal(await own.stop(), 0);
  assert.deepEqual(started.filter(isAlive), []);
});
