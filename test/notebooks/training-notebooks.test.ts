import assert from "node:assert/strict";
import test from "node:test";
import { figureTitles, printed, runSmall } from "./run-notebooks";

const RUN = { run_dir: "run" };

test("03-training trains with a live figure, stops after an epoch, restores and finishes", async () => {
  const { notebook } = await runSmall("03-training", { ...RUN, epochs: 2 });
  const text = printed(notebook);
  assert.match(text, /interrupted after epoch 1, step 3/);
  assert.match(text, /finished after epoch 2, step 6/);
  assert.match(text, /checkpoint\.pth/);
  assert.deepEqual(figureTitles(notebook), [
    "Training the compact network",
    "Training, after the restore",
    "The whole run, from metrics.jsonl",
  ]);
});

test("04-validation takes that network and shows confusion matrices, predictions, coverage and calibration", async () => {
  const { notebook } = await runSmall("04-validation", { ...RUN, shown_heads: ["dnu", "numax"] });
  const text = printed(notebook);
  assert.match(text, /run\/is_best\.pth: 1096497 weights; 24 spectra of data/);
  assert.match(text, /total +[\d.]+ +[\d.]+\n/);
  assert.match(text, /expected: 68 % ± 9\.5 % and 95 %/);
  assert.match(text, /^dnu +temperature [\d.]+ +68 % cover +\d+ % -> +\d+ % +95 % cover +\d+ % -> +\d+ %$/m);
  assert.deepEqual(figureTitles(notebook), ["Confusion matrices", "Predicted against true", "Reliability"]);
});
