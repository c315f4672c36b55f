import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "node:test";
import { maybeFindMpirun } from "../../src/distributed/mpirun";
import { RANKS_MIME } from "../../src/kernel/rank-bundle";
import { readMetrics } from "../../src/train/metrics-file";
import { assertClose } from "../assert-close";
import { printed, runSmall } from "./run-notebooks";

const skip = maybeFindMpirun() === null ? "no mpirun here" : false;

async function lossesOf(folder: string): Promise<number[]> {
  return (await readMetrics(folder)).flatMap((record) => (record.kind === "train" ? [record.loss] : []));
}

test("03-training runs unchanged on two ranks, with the losses of one rank", { skip }, async () => {
  const alone = await runSmall("03-training", { run_dir: "one", epochs: 2 });
  const folder = dirname(alone.output);
  const both = await runSmall("03-training", { run_dir: "two", epochs: 2 }, { ranks: 2, output: "ranks.ipynb" });
  const expected = await lossesOf(join(folder, "one"));
  assert.equal(expected.length, 6);
  assertClose(await lossesOf(join(folder, "two")), expected, { rtol: 1e-6, atol: 0 });

  // The cells print the same as on one rank, apart from sizes of files and what the engine says of its threads.
  const epochs = (text: string): string[] => text.match(/^epoch \d.*$/gm) ?? [];
  assert.deepEqual(epochs(printed(both.notebook)), epochs(printed(alone.notebook)));
  assert.match(printed(both.notebook), /finished after epoch 2, step 6/);
  const bundles = both.notebook.cells
    .flatMap((cell) => cell.outputs ?? [])
    .flatMap((output) => ("data" in output && output.data[RANKS_MIME] ? [output.data["text/plain"]] : []));
  assert.ok(bundles.includes("rank 1: the same as rank 0"));
  const run = both.notebook.metadata.asterolab as { outcome: string };
  assert.equal(run.outcome, "completed");

  for (const rank of [0, 1]) {
    const log = join(folder, `ranks.rank-${rank}.log`);
    assert.ok(existsSync(log));
    assert.match(readFileSync(log, "utf8"), /finished after epoch 2, step 6/);
  }
});
