import assert from "node:assert/strict";
import test from "node:test";
import { isJsonObject, parseJson } from "../src/json";

const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);

test("parses what JSON.parse parses", () => {
  for (const text of ['{"a": [1, null, "x"]}', "3", "null", nested(200)])
    assert.deepEqual(parseJson(text), JSON.parse(text));
});

test("refuses what is not JSON, and nests that recursion could not follow", () => {
  assert.throws(() => parseJson("{"), SyntaxError);
  for (const depth of [202, 100_000]) {
    assert.throws(() => parseJson(nested(depth)), { name: "SyntaxError", message: "it nests deeper than 200 levels" });
  }
});

test("tells objects from lists, null and plain values", () => {
  const values = [{}, { a: 1 }, [], null, "x", 3, undefined];
  assert.deepEqual(values.map(isJsonObject), [true, true, false, false, false, false, false]);
});
