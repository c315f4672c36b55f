import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { resultOf, streamOf, TestClient, typesOf } from "./test-client";

let client: TestClient;
before(async () => {
  client = await TestClient.start();
});
after(() => client.stop());

test("a burst of 100,000 lines arrives whole and in order, in few messages", async () => {
  const { published } = await client.execute("for (let i = 0; i < 100_000; i++) console.log(i);");
  assert.equal(streamOf(published), `${Array.from({ length: 100_000 }, (_, index) => index).join("\n")}\n`);
  assert.ok(published.length < 500, `${published.length} messages`);
});

test("50 MB in one cell are not lost", async () => {
  const { published } = await client.execute(
    "const line = 'x'.repeat(999);\nfor (let i = 0; i < 50_000; i++) console.log(line);",
  );
  assert.equal(streamOf(published).length, 50_000_000);
});

test("stdout, stderr and displays keep their order", async () => {
  const { published } = await client.execute(
    "import { display } from 'tslab';\nconsole.log('a'); console.error('b'); display.html('<b>c</b>'); console.log('d');",
  );
  assert.deepEqual(typesOf(published).slice(2, -1), ["stream", "stream", "display_data", "stream"]);
  assert.deepEqual(published[4]!.content.data, { "text/html": "<b>c</b>" });
});

test("what child processes and native code print on descriptors 1 and 2 is the cell's output", async () => {
  const { published } = await client.execute(
    "import { execSync } from 'node:child_process';\nimport { writeSync } from 'node:fs';\n" +
      "execSync('echo out; echo err >&2', { stdio: 'inherit' });\nwriteSync(1, 'direct ☆\\n');",
  );
  assert.equal(streamOf(published), "out\ndirect ☆\n");
  assert.equal(streamOf(published, "stderr"), "err\n");
});

test("a display is updated by its id, and a figure is one bundle", async () => {
  const { published } = await client.execute(
    "import { classHistogramFigure, newFigureDisplay } from 'asterolab';\n" +
      "const figure = classHistogramFigure('inc', { values: [10, 20] });\n" +
      "const shown = newFigureDisplay();\nshown.show(figure);\nshown.show(figure);\nfigure",
  );
  const types = typesOf(published);
  assert.deepEqual(types.slice(2), ["display_data", "update_display_data", "execute_result", "idle"]);
  const [first, second] = published.slice(2, 4).map(({ content }) => content.transient as { display_id: string });
  assert.equal(first!.display_id, second!.display_id);
  for (const { content } of published.slice(2, 5)) {
    assert.deepEqual(Object.keys(content.data as object).sort(), [
      "application/vnd.plotly.v1+json",
      "image/png",
      "text/plain",
    ]);
  }
});

test("the last value is shown richly: tables, tensors, promises, values with a display of their own", async () => {
  const dataOf = async (code: string): Promise<Record<string, unknown>> => {
    const { published } = await client.execute(code);
    return published.find(({ header }) => header.msg_type === "execute_result")!.content.data as Record<
      string,
      unknown
    >;
  };
  const table = await dataOf("[{ star: 'a|b', dnu: 9.1 }, { star: 'c', dnu: 4 }]");
  assert.equal(table["text/markdown"], "| star | dnu |\n| --- | ---: |\n| a\\|b | 9.1 |\n| c | 4 |");
  const tensor = await dataOf(
    "const tf = require('@tensorflow/tfjs-core');\ntf.scalar\n;require('@tensorflow/tfjs-backend-cpu');\ntf.tensor2d([[1, 2], [3, 4]])",
  );
  assert.equal(tensor["text/plain"], "Tensor float32 [2, 2]\n[ [ 1, 2 ], [ 3, 4 ] ]");
  assert.equal((await dataOf("new Promise<number>((resolve) => setTimeout(resolve, 10, 5))"))["text/plain"], "5");
  assert.deepEqual(await dataOf("({ [Symbol.for('Jupyter.display')]: () => ({ 'text/html': '<i>own</i>' }) })"), {
    "text/html": "<i>own</i>",
  });
  const late =
    "async [Symbol.for('Jupyter.display')]() { return { 'text/html': '<i>late</i>', 'image/png': new Uint8Array([1, 2, 3]) }; }";
  assert.deepEqual(await dataOf(`({ ${late} })`), { "text/html": "<i>late</i>", "image/png": "AQID" });
  assert.deepEqual(await dataOf("({ a: 1, [Symbol.for('Jupyter.display')]: () => undefined })"), {
    "text/plain": "{ a: 1, [Symbol(Jupyter.display)]: [Function: [Jupyter.display]] }",
  });
  assert.equal(resultOf((await client.execute("undefined")).published), undefined);
});

test("local files are imported from the notebook's folder and from beside it", async (t) => {
  const outside = join(client.folder, "..", `${client.folder.split("/").pop()}-beside`);
  mkdirSync(outside);
  t.after(() => rmSync(outside, { recursive: true }));
  writeFileSync(join(client.folder, "local.ts"), "export const near: number = 1;\n");
  writeFileSync(join(outside, "far.ts"), "import { deeper } from './deeper';\nexport const far: string = deeper;\n");
  writeFileSync(join(outside, "deeper.ts"), "export const deeper: string = 'deep';\n");
  const { reply, published } = await client.execute(
    `import { near } from './local';\nimport { far } from '../${outside.split("/").pop()}/far';\n[near, far]`,
  );
  assert.equal(reply.evalue, undefined);
  assert.equal(resultOf(published), "[ 1, 'deep' ]");
});

test("a process that takes another's place has the local files that cells imported before", async () => {
  await client.execute("process.exit(0)");
  const { reply, published } = await client.execute("import { near } from './local';\nnear");
  assert.equal(reply.evalue, undefined);
  assert.equal(resultOf(published), "1");
});
