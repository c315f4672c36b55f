import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import type { SpectrumSource } from "../../src/data/source";
import { iterationLine, openLog, startLines, validationLines } from "../../src/train/log";
import { temporaryFolder } from "../data/make-shard";

test("the iteration line holds what the reference prints", () => {
  const line = iterationLine({
    epoch: 2,
    epochs: 50,
    shard: 17,
    iteration: 30,
    iterations: 680,
    meanLoss: 12.34567,
    batchSizePerRank: 64,
    globalBatchSize: 1024,
    secondsPerIteration: 0.5,
    trainingSeconds: 355.04,
  });
  assert.equal(
    line,
    "epoch 2/50  shard 17  iteration 30/680  mean loss 12.3457  batch 64 local, 1024 global  0.500 s per iteration  " +
      "training time 355.0 s",
  );
});

test("the lines after an epoch hold both losses and each parameter's accuracy and error with its unit", () => {
  const lines = validationLines(
    {
      kind: "validation",
      epoch: 3,
      step: 90,
      loss: 10.5,
      train_loss: 11.25,
      baseline_loss: 16.5,
      is_best: true,
      rows: 40,
      parameters: { dnu: { loss: 3, accuracy: 0.125, mae: 0.81234 }, q: { loss: 2, accuracy: 1, mae: 0.01 } },
      training_seconds: 100,
    },
    5,
  );
  assert.deepEqual(lines, [
    "epoch 3/5  training loss 11.2500  validation loss 10.5000 (prior alone 16.5000)  best so far",
    "  dnu    accuracy  12.5 %  mean absolute error 0.812 µHz",
    "  q      accuracy 100.0 %  mean absolute error 0.0100",
  ]);
});

test("a run begins with its engine, and with the engine's warning", () => {
  const data = {
    ...{ points: 100, heads: ["dnu", "q"], folder: "data" },
    report: { rowsRead: 30, rowsKept: 24, outOfRange: { dnu: 2, q: 0 } },
  } as unknown as SpectrumSource;
  const lines = (warning?: string): string[] => {
    const engine = { describe: () => "cpu (1 thread)", ...(warning !== undefined && { warning }) };
    return startLines({ engine, parameterCount: 7, stepsPerEpoch: 3, data });
  };
  const rest = [
    "network of 7 parameters for spectra of 100 points, heads dnu q",
    '24 of 30 spectra in "data", 3 steps an epoch',
    "labels outside the class edges: dnu 2",
  ];
  assert.deepEqual(lines(), ["engine cpu (1 thread)", ...rest]);
  assert.deepEqual(lines("it is slow"), ["engine cpu (1 thread)", "warning: it is slow", ...rest]);
});

test("openLog() appends lines with their time and hands the text to the listener", (t) => {
  const dir = temporaryFolder(t);
  const heard: string[] = [];
  for (const text of ["first", "second"]) {
    const log = openLog(dir, 0, (line) => heard.push(line));
    log.line(text);
    log.close();
  }
  assert.deepEqual(heard, ["first", "second"]);
  assert.match(readFileSync(join(dir, "rank-0.log"), "utf8"), /^\d{4}-\S+Z first\n\d{4}-\S+Z second\n$/);
});
