import assert from "node:assert/strict";
import test from "node:test";
import { parseConfig } from "../../src/config";
import { CommunicatorError } from "../../src/errors";
import { trainOnRanks } from "../../src/train/on-ranks";

test("a rank starts no ranks of its own", async (context) => {
  process.env.OMPI_COMM_WORLD_RANK = "1";
  process.env.OMPI_COMM_WORLD_SIZE = "2";
  context.after(() => {
    delete process.env.OMPI_COMM_WORLD_RANK;
    delete process.env.OMPI_COMM_WORLD_SIZE;
  });
  const started = trainOnRanks(parseConfig("compact"), { path: "runs/never", restore: false, ranks: 4 });
  await assert.rejects(started, (error) => {
    assert.ok(error instanceof CommunicatorError && error.isRequest);
    assert.equal(
      error.message,
      'Cannot start 4 ranks from rank 1 of 2: expected a program that is no rank; in one on ranks, call "train", ' +
        "and run a notebook that starts ranks without --ranks",
    );
    return true;
  });
});
