import assert from "node:assert/strict";
import test from "node:test";
import { counted } from "../src/counted";

test("one thing is named in the singular, none and several in the plural", () => {
  assert.deepEqual(
    [0, 1, 2].map((count) => counted(count, "rank")),
    ["0 ranks", "1 rank", "2 ranks"],
  );
});
