import assert from "node:assert/strict";
import test from "node:test";
import {
  CellError,
  CheckpointError,
  CliError,
  CommunicatorError,
  ConfigError,
  DataError,
  exitCodeOf,
  NotebookError,
} from "../src/errors";

test("an error of the request ends with exit code 2", () => {
  assert.equal(exitCodeOf(new CliError("unknown flag")), 2);
  assert.equal(exitCodeOf(new ConfigError("unknown setting")), 2);
  assert.equal(exitCodeOf(new DataError("no such folder", { path: "x" }, { isRequest: true })), 2);
  assert.equal(exitCodeOf(new CheckpointError("no such file", "x", { isRequest: true })), 2);
  assert.equal(exitCodeOf(new NotebookError("no such kernel", { isRequest: true })), 2);
  assert.equal(exitCodeOf(new CommunicatorError("no mpirun", { isRequest: true })), 2);
});

test("an error of the work ends with exit code 1", () => {
  assert.equal(exitCodeOf(new DataError("truncated", { path: "x" })), 1);
  assert.equal(exitCodeOf(new CheckpointError("damaged", "x")), 1);
  assert.equal(exitCodeOf(new CellError("cell 3 failed", 3, "Error", "no")), 1);
  assert.equal(exitCodeOf(new NotebookError("cut off")), 1);
  assert.equal(exitCodeOf(new CommunicatorError("a rank failed", { rank: 1 })), 1);
  assert.equal(exitCodeOf(new RangeError("anything else")), 1);
  assert.equal(exitCodeOf("thrown string"), 1);
});

test("errors carry their class name, their place and their cause", () => {
  const cause = new Error("disk");
  const error = new DataError("bad value", { path: "data_000.npy", row: 3, column: 7 }, { cause });
  assert.equal(error.name, "DataError");
  assert.deepEqual([error.path, error.row, error.column, error.cause], ["data_000.npy", 3, 7, cause]);
  assert.equal(new CheckpointError("x", "a.pth", { cause }).cause, cause);
});
