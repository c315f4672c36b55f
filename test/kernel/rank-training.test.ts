import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { maybeFindMpirun } from "../../src/distributed/mpirun";
import { runNotebook } from "../../src/notebook/executor";
import { readMetrics } from "../../src/train/metrics-file";
import { assertClose } from "../assert-close";
import { temporaryFolder } from "../data/make-shard";
import { codeCell, textOf, writeTestNotebook } from "../notebook/notebook-builder";
import { tinyConfig, writeTinyData } from "../train/tiny-run";

const skip = maybeFindMpirun() === null ? "no mpirun here" : false;

const TRAIN = `
import { parseConfig, train } from "asterolab";
const config = parseConfig("default", settings);
const result = await train(config, { path: path, restore: false });
console.log(result.stopped, result.epoch, result.step);`;

const FAIL = `
await train(config, {
  path: path + "-failing",
  restore: false,
  onEvent: (event) => {
    if (process.env.RANK === "1" && event.kind === "train" && event.step === 2) throw new RangeError("the disk is full");
  },
});`;

test("a notebook trains on two ranks as on one, and an error in training ends the cell on both", {
  skip,
}, async (t) => {
  const data = writeTinyData(temporaryFolder(t));
  const settings = tinyConfig(data, { num_epochs: 2, threads: 1 });
  const losses = async (ranks: number): Promise<{ losses: number[]; text: string; last: string }> => {
    const path = join(temporaryFolder(t), "run");
    const { input, output, folder } = writeTestNotebook("asterolab", [
      codeCell(`let path = ${JSON.stringify(path)};\nlet settings: any = ${JSON.stringify(settings)};`),
      codeCell(TRAIN),
      codeCell(ranks === 1 ? "1" : FAIL, "raises-exception"),
      codeCell("typeof config"),
    ]);
    const { exitCode, error, notebook } = await runNotebook({
      input,
      output,
      cwd: folder,
      ranks,
      startTimeoutMs: 600_000,
    });
    // The ranks are restarted after the third cell, so the fourth does not know the second.
    assert.equal(exitCode, ranks === 1 ? 0 : 1, error?.message);
    const records = await readMetrics(path);
    return {
      losses: records.flatMap((record) => (record.kind === "train" ? [record.loss] : [])),
      text: textOf(notebook.cells.find(({ source }) => source === TRAIN)),
      last: textOf(notebook.cells.find(({ source }) => source === FAIL)),
    };
  };
  const one = await losses(1);
  const two = await losses(2);
  assert.equal(one.losses.length, 8);
  assertClose(two.losses, one.losses, { rtol: 1e-5, atol: 0 });
  assert.equal(one.text, "finished 2 8\n");
  assert.equal(two.text, "finished 2 8\nrank 1: the same as rank 0");
  assert.match(
    two.last,
    /RankError: 1 of 2 ranks failed \(rank 1\): RangeError: the disk is full; (out of step .*|rank 0 had to be stopped): the ranks have been restarted/,
  );
});
