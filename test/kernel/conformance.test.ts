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

// What silent and unstored requests give is what ipykernel 7.4 answers to the same ones.
test("silent cells are not counted, not announced and give no result; what they print, show and throw comes", async () => {
  const counted = await client.execute("1");
  const { reply, published } = await client.execute("console.log('said'); a", { silent: true, store_history: true });
  assert.deepEqual(typesOf(published), ["busy", "stream", "idle"]);
  assert.equal(reply.execution_count, counted.reply.execution_count);
  const failing = client.send("shell", "execute_request", { code: "throw new Error('quiet')", silent: true });
  const queued = client.send("shell", "execute_request", { code: "2" });
  const failed = await client.answerTo(failing);
  assert.equal(failed.reply.evalue, "quiet");
  assert.deepEqual(typesOf(failed.published), ["busy", "error", "idle"]);
  assert.equal((await client.answerTo(queued)).reply.status, "ok", "a silent failure stops nobody");
});

test("without store_history a cell is announced and shown, but neither counted nor remembered", async () => {
  const counted = await client.execute("const weigh2 = () => {\n  throw new Error('later');\n};");
  const { reply, published } = await client.execute("/* unstored */\n\n\n40 + 2", { store_history: false });
  assert.deepEqual(typesOf(published), ["busy", "execute_input", "execute_result", "idle"]);
  assert.equal(resultOf(published), "42");
  assert.equal(reply.execution_count, counted.reply.execution_count);
  const search = { hist_access_type: "search", pattern: "/* unstored */*", output: false, raw: true };
  assert.deepEqual((await client.ask("history_request", search)).reply.history, []);
  const later = await client.execute("weigh2()");
  const file = `cell[${counted.reply.execution_count}]`;
  assert.equal((later.reply.traceback as string[])[1], `--> ${file}:2`, "the counted cell's lines are still its own");
  assert.equal(later.reply.execution_count, Number(counted.reply.execution_count) + 1);
});

test("user_expressions: each answered with its value or its error, after a cell that ended well", async () => {
  const { reply, published } = await client.execute("let base = 3;", {
    user_expressions: {
      sum: "base + 1",
      record: "{ base }",
      awaited: "await (Promise.resolve(base * 2))",
      nothing: "undefined",
      unknown: "missing",
      thrown: "(() => { throw new RangeError('far') })()",
      statement: "let other = 1",
      empty: "",
      commented: "base // three",
    },
  });
  assert.deepEqual(typesOf(published), ["busy", "execute_input", "idle"]);
  assert.equal(reply.status, "ok");
  const answers = reply.user_expressions as Record<string, Record<string, unknown>>;
  const plain = (text: string): object => ({ status: "ok", data: { "text/plain": text }, metadata: {} });
  assert.deepEqual(answers.sum, plain("4"));
  assert.deepEqual(answers.record, plain("{ base: 3 }"));
  assert.deepEqual(answers.awaited, plain("6"));
  assert.deepEqual(answers.nothing, plain("undefined"));
  assert.deepEqual(answers.commented, plain("3"));
  for (const [name, ename, evalue] of [
    ["unknown", "CompileError", /Cannot find name 'missing'/],
    ["thrown", "RangeError", /^far$/],
    ["statement", "CompileError", /TS\d+/],
    ["empty", "CompileError", /Expression expected/],
  ] as const) {
    const answer = answers[name]!;
    assert.deepEqual(Object.keys(answer).sort(), ["ename", "evalue", "status", "traceback"]);
    assert.equal(answer.status, "error");
    assert.equal(answer.ename, ename);
    assert.match(String(answer.evalue), evalue);
    assert.ok((answer.traceback as string[]).length > 0);
  }
  assert.match(String((await client.execute("other")).reply.evalue), /Cannot find name 'other'/);
  const failed = await client.execute("throw new Error('no')", { user_expressions: { sum: "base + 1" } });
  assert.deepEqual(failed.reply.user_expressions, {});
  const silent = await client.execute("", { silent: true, user_expressions: { sum: "base + 1" } });
  assert.deepEqual(silent.reply.user_expressions, { sum: plain("4") });
});

test("an interrupt stops an expression that does not end, and those after it", async () => {
  const user_expressions = { endless: "(() => { console.log('begun'); for (;;); })()", next: "1" };
  const id = client.send("shell", "execute_request", { code: "1", user_expressions });
  await client.until(() => streamOf(client.of(id)) === "begun\n");
  await client.ask("interrupt_request", {}, "control");
  const { endless, next } = (await client.answerTo(id)).reply.user_expressions as Record<string, { ename: string }>;
  assert.deepEqual([endless!.ename, next!.ename], ["KeyboardInterrupt", "KeyboardInterrupt"]);
});

test("variables of earlier cells in shorthand properties are read and assigned", async () => {
  await client.execute("let mass = 3;\nlet name = 'sun';");
  const { reply, published } = await client.execute("const inner = 1;\n({ mass, name, inner, nested: { mass } })");
  assert.equal(reply.evalue, undefined);
  assert.equal(resultOf(published), "{ mass: 3, name: 'sun', inner: 1, nested: { mass: 3 } }");
  await client.execute("({ mass, name = 'moon' } = { mass: 4 } as { mass: number; name?: string });");
  assert.equal(resultOf((await client.execute("[mass, name]")).published), "[ 4, 'moon' ]");
});

test("await at the top level in every form, as the last expression and within one", async () => {
  for (const [code, value] of [
    ["await (1 + 1)", "2"],
    ["await (async () => 5)()", "5"],
    ["await [Promise.resolve(1), 2][0]", "1"],
    ["await -1", "-1"],
    ["await `text`", "'text'"],
    ["await\n(3)", "3"],
    ["(await (Promise.resolve({ a: 4 }))).a", "4"],
    ["const six = await (Promise.resolve(6)); six", "6"],
    ["let seven = 0;\nif (await (true)) seven = 7;\nseven", "7"],
    ["let sum = 0;\nfor await (const n of [Promise.resolve(3), 5]) sum += n;\nsum", "8"],
    ["const nine = async () => await (9);\nawait nine()", "9"],
    ["await import('node:os').then((os) => typeof os.cpus)", "'function'"],
  ] as const) {
    const { reply, published } = await client.execute(code);
    assert.equal(reply.evalue, undefined, code);
    assert.equal(resultOf(published), value, code);
  }
  const rejected = await client.execute("1;\nawait (Promise.reject(new Error('refused')))");
  assert.equal(rejected.reply.evalue, "refused");
  const misplaced = await client.execute("function wait() { await Promise.resolve(1); }");
  assert.match(String(misplaced.reply.evalue), /TS1308: 'await' expressions are only allowed/);
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
  const fields = await client.execute("throw Object.assign(new Error('odd'), { code: 7 });");
  const cell = `cell[${fields.reply.execution_count}]`;
  assert.deepEqual((fields.reply.traceback as string[]).slice(-3), [`    at ${cell}:1:21 {`, "  code: 7", "}"]);
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
  assert.deepEqual((await client.ask("comm_info_request", { target_name: "x" })).reply, { status: "ok", comms: {} });
});

test("a comm that nobody here can take is closed; messages to it change nothing", async () => {
  const id = client.send("shell", "comm_open", { comm_id: "c1", target_name: "jupyter.widget", data: { state: {} } });
  const stray = client.send("shell", "comm_msg", { comm_id: "c1", data: {} });
  const closed = client.send("shell", "comm_close", { comm_id: "c1", data: {} });
  await client.until(() => typesOf(client.of(closed)).includes("idle"));
  assert.deepEqual(typesOf(client.of(id)), ["busy", "comm_close", "idle"]);
  assert.deepEqual(client.of(id)[1]!.content, { comm_id: "c1", data: {} });
  assert.deepEqual(typesOf(client.of(stray)), ["busy", "idle"]);
  assert.deepEqual(typesOf(client.of(closed)), ["busy", "idle"]);
  assert.equal(resultOf((await client.execute("1 + 1")).published), "2");
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
  assert.equal(refused.reply.ename, "StdinNotImplementedError");
  assert.match(String(refused.reply.evalue), /^Cannot ask for input: nobody sits at this notebook/);
});

test("a cell that ends its process fails with the reason, and the kernel goes on with a fresh one", async () => {
  const { reply } = await client.execute("process.exit(3)");
  assert.equal(reply.ename, "ProcessEnded");
  assert.match(String(reply.evalue), /exit code 3.*all variables are gone/);
  assert.match(String((await client.execute("before")).reply.evalue), /Cannot find name 'before'/);
  assert.equal(resultOf((await client.execute("1 + 1")).published), "2");
});
