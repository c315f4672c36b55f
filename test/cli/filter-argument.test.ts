import assert from "node:assert/strict";
import test from "node:test";
import { parseFilter } from "../../src/cli/filter-argument";

test("a condition names a parameter or a label column, an operator and a number", () => {
  assert.deepEqual(parseFilter("dnu>5"), { column: "dnu", op: ">", value: 5 });
  assert.deepEqual(parseFilter(" inc <= -4.5e1 "), { column: "inc", op: "<=", value: -45 });
  assert.deepEqual(parseFilter("0==1"), { column: 0, op: "==", value: 1 });
  assert.deepEqual(parseFilter("35 != .5"), { column: 35, op: "!=", value: 0.5 });
});

test("what is no condition is refused with what one looks like", () => {
  for (const condition of ["36>1", "size>3", "dnu=5", "dnu>", ">5", "dnu>five", "dnu>1e", "dnu>5 or inc>3", ""]) {
    assert.throws(
      () => parseFilter(condition),
      (error: Error) =>
        error.name === "CliError" &&
        error.message.startsWith(`Cannot use --filter "${condition}": expected a parameter (dnu, `) &&
        error.message.endsWith("or a label column (0 to 35), one of < <= > >= == !=, and a number"),
      condition,
    );
  }
});
