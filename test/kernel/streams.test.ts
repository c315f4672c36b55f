import assert from "node:assert/strict";
import test from "node:test";
import { MarkedStream } from "../../src/kernel/marked-stream";
import { OutputPublisher } from "../../src/kernel/output-publisher";

function recorder(limit?: number): { output: OutputPublisher; published: [string, unknown][] } {
  const published: [string, unknown][] = [];
  return { output: new OutputPublisher((type, content) => published.push([type, content]), limit), published };
}

test("pieces of one stream are joined, and anything else comes after them", () => {
  const { output, published } = recorder();
  output.stream("stdout", "a");
  output.stream("stdout", "b");
  output.stream("stderr", "c");
  output.send("display_data", { data: {} });
  assert.deepEqual(published, [
    ["stream", { name: "stdout", text: "ab" }],
    ["stream", { name: "stderr", text: "c" }],
    ["display_data", { data: {} }],
  ]);
});

test("what is printed goes out by itself after a moment", async () => {
  const { output, published } = recorder();
  output.stream("stdout", "a");
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.deepEqual(published, [["stream", { name: "stdout", text: "a" }]]);
});

test("output beyond the limit is dropped, the output says so once, and the next cell starts anew", () => {
  const { output, published } = recorder(2 ** 20);
  output.stream("stdout", "x".repeat(2 ** 20 - 1));
  output.stream("stdout", "yz");
  output.stream("stdout", "dropped");
  assert.deepEqual(
    published.map(([, content]) => (content as { text: string }).text.slice(-80)),
    [`${"x".repeat(79)}y`, "\n[asterolab] this cell printed more than 1 MB: what follows is dropped\n"],
  );
  output.restart();
  output.stream("stdout", "kept");
  output.flush();
  assert.deepEqual(published.at(-1), ["stream", { name: "stdout", text: "kept" }]);
});

test("a marker is found and left out wherever reads cut it", async () => {
  for (let cut = 0; cut <= 8; cut++) {
    let text = "";
    const stream = new MarkedStream("mark", (piece) => {
      text += piece;
    });
    const whole = "ab\0\0mark\0cd\0";
    stream.push(whole.slice(0, cut));
    stream.push(whole.slice(cut));
    await stream.marked(1);
    stream.flush();
    assert.equal(text, "ab\0cd\0", `cut at ${cut}`);
  }
});
