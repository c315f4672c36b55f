/** Output that comes when its cell has ended: under the cell that started it, never lost. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { resultOf, streamOf, TestClient, typesOf } from "./test-client";

let client: TestClient;
before(async () => {
  client = await TestClient.start();
  await client.execute("const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));");
});
after(() => client.stop());

/** Runs a cell, then another while the first one's rest is under way; resolves with both requests' ids. */
async function runBoth(first: string, second: string): Promise<[string, string]> {
  const ids = [first, second].map((code) => client.send("shell", "execute_request", { code }));
  for (const id of ids) assert.equal((await client.answerTo(id)).reply.evalue, undefined);
  return [ids[0]!, ids[1]!];
}

test("a timer and a dangling promise print under their own cell while a later one runs", async () => {
  const [timers, running] = await runBoth(
    "setTimeout(() => console.log('timer'), 300);\n" +
      "void (async () => { await sleep(600); console.error('promise'); await sleep(1); console.log('end'); })();",
    "console.log('mine'); while (!((globalThis as any).isOver)) { await sleep(50);\n" +
      "  if (performance.now() > ((globalThis as any).until ??= performance.now() + 1500)) (globalThis as any).isOver = true; }",
  );
  await client.until(() => streamOf(client.of(timers)).includes("end"));
  assert.equal(streamOf(client.of(timers)), "timer\nend\n");
  assert.equal(streamOf(client.of(timers), "stderr"), "promise\n");
  assert.equal(streamOf(client.of(running)), "mine\n");
});

test("pieces of two cells that take turns keep their order and their cells", async () => {
  const [first, second] = await runBoth(
    "let turn = 0;\n" +
      "void (async () => { for (let i = 0; i < 6; i++) { await sleep(20); console.log('a', turn++); } })();",
    "for (let i = 0; i < 6; i++) { await sleep(20); console.log('b', turn++); }\nawait sleep(400);",
  );
  await client.until(() => streamOf(client.of(first)).split("\n").length === 7);
  const turns = (id: string): number[] =>
    [...streamOf(client.of(id)).matchAll(/[ab] (\d+)/g)].map(([, n]) => Number(n));
  const lines = client.messages
    .filter(
      ({ header, parentHeader }) => header.msg_type === "stream" && [first, second].includes(parentHeader.msg_id!),
    )
    .flatMap(({ content }) => [...String(content.text).matchAll(/(\d+)/g)].map(([n]) => Number(n)));
  assert.deepEqual(lines, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  assert.equal(turns(first).length, 6);
  assert.equal(turns(second).length, 6);
  assert.doesNotMatch(streamOf(client.of(first)), /b/);
});

test("displays, updates and clearing go to the cell that started them", async () => {
  const [shown, running] = await runBoth(
    "import { display } from 'tslab';\nsetTimeout(() => display.html('<b>late</b>'), 200);\n" +
      "const hooks = (globalThis as any)[Symbol.for('asterolab.kernel')];\nsetTimeout(() => hooks.clear(false), 400);",
    "await sleep(1000);",
  );
  await client.until(() => typesOf(client.of(shown)).includes("clear_output"));
  assert.deepEqual(typesOf(client.of(shown)).slice(-2), ["display_data", "clear_output"]);
  assert.deepEqual(typesOf(client.of(running)), ["busy", "execute_input", "idle"]);
});

test("it comes without a later cell, too, and after several", async () => {
  const { reply } = await client.execute("setTimeout(() => console.log('alone'), 600);\n'started'");
  assert.equal(reply.status, "ok");
  const id = client.messages.at(-1)!.parentHeader.msg_id!;
  await client.until(() => streamOf(client.of(id)) === "alone\n");
  const slow = client.send("shell", "execute_request", { code: "setTimeout(() => console.log('old'), 1500);" });
  await client.answerTo(slow);
  for (let count = 0; count < 3; count++) await client.execute("console.log('newer')");
  await client.until(() => streamOf(client.of(slow)) === "old\n");
});

test("what native code and child processes print late belongs to the last cell: nobody can tell more", async () => {
  const child =
    "import { spawn } from 'node:child_process';\nspawn('sh', ['-c', 'sleep 1; echo child'], { stdio: 'inherit' });";
  await client.execute(child);
  const last = client.send("shell", "execute_request", { code: "await sleep(100);" });
  await client.answerTo(last);
  await client.until(() => streamOf(client.of(last)) === "child\n");
});

test("an interrupted cell's name does not stick to those after it", async () => {
  const endless = client.send("shell", "execute_request", { code: "console.log('begun'); for (;;);" });
  await client.until(() => streamOf(client.of(endless)) === "begun\n");
  await client.ask("interrupt_request", {}, "control");
  await client.answerTo(endless);
  const { published } = await client.execute("await sleep(10); console.log('after'); 1");
  assert.equal(streamOf(published), "after\n");
  assert.equal(resultOf(published), "1");
  assert.equal(streamOf(client.of(endless)), "begun\n");
});
