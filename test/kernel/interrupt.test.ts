import assert from "node:assert/strict";
import { after, before, test } from "node:test";
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
