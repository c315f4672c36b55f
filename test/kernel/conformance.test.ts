import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { resultOf, streamOf, TestClient, typesOf } from "./test-client";

let client: TestClient;
before(async () => {
  client = await TestClient.start();
});
after(() => client.stop());

test("kernel_info names the language and the protocol", async () => {
  const { reply, published } = await client.ask("kernel_info_request", {});
  assert.equal(reply.status, "ok");
  assert.equal(reply.implementation, "asterolab");
  assert.equal(reply.protocol_version, "5.3");
  assert.equal((reply.language_info as { file_extension: string }).file_extension, ".ts");
  assert.deepEqual(typesOf(published), ["busy", "idle"]);
});

test("a cell gives execute_input, its streams and its result, between busy and idle", async () => {
  const { reply, published } = await client.execute("let a: number = 2;\nconsole.log('printed');\na + 1");
  assert.deepEqual(typesOf(published), ["busy", "execute_input", "stream", "execute_result", "idle"]);
  assert.equal(reply.status, "ok");
  assert.equal(published[1]!.content.execution_count, reply.execution_count);
  assert.equal(published[1]!.content.code, "let a: number = 2;\nconsole.log('printed');\na + 1");
  assert.equal(resultOf(published), "3");
  const next = await client.execute("a * 10;");
  assert.equal(next.reply.execution_count, Number(reply.execution_count) + 1);
});

test("silent cells are not counted, not announced and give no result", async () => {
  const counted = await client.execute("1");
  const { reply, published } = await client.execute("a", { silent: true });
  assert.deepEqual(typesOf(published), ["busy", "idle"]);
  assert.equal(reply.execution_count, counted.reply.execution_count);
});

test("an error is sent, and its traceback names the lines of the cell's TypeScript", async () => {
  const code =
    "interface Star {\n  mass: number;\n}\n\nfunction weigh(star: Star): number {\n" +
    "  throw new RangeError('too heavy: ' + star.mass);\n}\nweigh({ mass: 3 });";
  const { reply, published } = await client.execute(code);
  const file = `cell[${reply.execution_count}]`;
  assert.deepEqual(typesOf(published), ["busy", "execute_input", "error", "idle"]);
  assert.equal(reply.status, "error");
  assert.equal(reply.ename, "RangeError");
  assert.equal(reply.evalue, "too heavy: 3");
  assert.deepEqual(reply.traceback, [
    "RangeError: too heavy: 3",
    `--> ${file}:6`,
    "      throw new RangeError('too heavy: ' + star.mass);",
    "            ^",
    `    at weigh (${file}:6:9)`,
    `    at ${file}:8:1`,
  ]);
  assert.deepEqual(published[2]!.content.traceback, reply.traceback);
});

test("a type error stops the cell before it runs and points at the place", async () => {
  const { reply, published } = await client.execute("console.log('never');\nconst n: number = 'x';");
  assert.equal(reply.ename, "CompileError");
  const file = `cell[${reply.execution_count}]`;
  assert.deepEqual(reply.traceback, [
    `${file}:2:7 - TS2322: Type 'string' is not assignable to type 'number'.`,
    "    const n: number = 'x';",
    "          ^",
  ]);
  assert.equal(streamOf(published), "");
});

test("cells queued behind a failing one are aborted, unless it says stop_on_error: false; later ones run", async () => {
  const failing = client.send("shell", "execute_request", { code: "throw new Error('first')" });
  const queued = client.send("shell", "execute_request", { code: "1" });
  assert.equal((await client.answerTo(failing)).reply.status, "error");
  assert.equal((await client.answerTo(queued)).reply.status, "aborted");
  const tolerated = client.send("shell", "execute_request", { code: "throw 5", stop_on_error: false });
  const kept = client.send("shell", "execute_request", { code: "1" });
  assert.equal((await client.answerTo(tolerated)).reply.evalue, "5");
  assert.equal((await client.answerTo(kept)).reply.status, "ok");
});

test("what a failing cell had assigned stays", async () => {
  await client.execute("const before: number = 7;\nthrow new Error('after');");
  assert.equal(resultOf((await client.execute("before")).published), "7");
});

test("a rejection nobody handles fails the cell that runs", async () => {
  const code = "void Promise.reject(new Error('stray'));\nawait new Promise((resolve) => setTimeout(resolve, 500));";
  assert.equal((await client.execute(code)).reply.evalue, "stray");
});

test("is_complete, history, comms", async () => {
  const complete = async (code: string): Promise<unknown> => (await client.ask("is_complete_request", { code })).reply;
  assert.deepEqual(await complete("1 + 1"), { status: "complete" });
  assert.equal(((await complete("function f() {")) as { status: string }).status, "incomplete");
  await client.execute("const remembered = 1;");
  const history = async (content: object): Promise<unknown[]> =>
    (await client.ask("history_request", { output: false, raw: true, ...content })).reply.history as unknown[];
  assert.equal(((await history({ hist_access_type: "tail", n: 1 }))[0] as string[])[2], "const remembered = 1;");
  assert.equal((await history({ hist_access_type: "search", pattern: "*remem*red*" })).length, 1);
  assert.equal((await history({ hist_access_type: "range", start: 1, stop: 3 })).length, 2);
  assert.deepEqual((await client.ask("comm_info_request", {})).reply, { status: "ok", comms: {} });
});

test("completion and inspection know earlier cells, in positions of code points", async () => {
  await client.execute("/** The mass of a star. */\nfunction massOf(star: string): number { return star.length; }");
  const code = "'⭐😀'; mas";
  const completed = (await client.ask("complete_request", { code, cursor_pos: 9 })).reply;
  assert.ok((completed.matches as string[]).includes("massOf"));
  assert.deepEqual([completed.cursor_start, completed.cursor_end], [6, 9]);
  const inspected = (await client.ask("inspect_request", { code: "massOf", cursor_pos: 2, detail_level: 0 })).reply;
  assert.equal(inspected.found, true);
  assert.match((inspected.data as Record<string, string>)["text/plain"]!, /massOf\(star: string\): number/);
  assert.equal((await client.ask("inspect_request", { code: "  ", cursor_pos: 1 })).reply.found, false);
});

test("prompt asks the client; without one that answers it is an error", async () => {
  client.onInput = (message) => `answer to ${message.content.prompt}`;
  const asked = await client.execute("prompt('name?')", { allow_stdin: true });
  assert.equal(resultOf(asked.published), "'answer to name?'");
  const refused = await client.execute("prompt('name?')", { allow_stdin: false });
  assert.match(String(refused.reply.evalue), /^Cannot ask for input: nobody sits at this notebook/);
});

test("a cell that ends its process fails with the reason, and the kernel goes on with a fresh one", async () => {
  const { reply } = await client.execute("process.exit(3)");
  assert.equal(reply.ename, "ProcessEnded");
  assert.match(String(reply.evalue), /exit code 3.*all variables are gone/);
  assert.match(String((await client.execute("before")).reply.evalue), /Cannot find name 'before'/);
  assert.equal(resultOf((await client.execute("1 + 1")).published), "2");
});
