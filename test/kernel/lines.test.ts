import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import test from "node:test";
import { readLines } from "../../src/kernel/lines";

test("lines come out whole and once, wherever the pieces are cut", () => {
  const text = Buffer.from("one\n\nμHz and more\nlast\nwithout an end");
  for (let first = 0; first <= text.length; first++) {
    for (let second = first; second <= text.length; second += 3) {
      const source = new PassThrough();
      const lines: string[] = [];
      readLines(source, (line) => lines.push(line));
      for (const piece of [text.subarray(0, first), text.subarray(first, second), text.subarray(second)]) {
        source.emit("data", piece);
      }
      assert.deepEqual(lines, ["one", "", "μHz and more", "last"], `cut at ${first} and ${second}`);
    }
  }
});

test("a stream that breaks ends the lines, not the process", () => {
  const source = new PassThrough();
  readLines(source, assert.fail);
  source.destroy(new Error("reset"));
});
