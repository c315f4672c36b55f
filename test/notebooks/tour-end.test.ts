import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { maybeTensorflowBuild } from "../../src/engine/tensorflow/load";
import { verifyNotebook } from "../../src/notebook/verify";
import { projectRoot } from "../../src/version";
import { figureTitles, printed, runWith } from "./run-notebooks";

test("05-recipe trains for an epoch by the recipe and holds the shipped network against its aims", async () => {
  const { notebook } = await runWith("05-recipe", {
    run_dir: "run-05",
    epochs: 1,
    spectra_per_epoch: 32,
    held_out: 16,
    measured: 64,
  });
  const text = printed(notebook);
  assert.match(text, /1 steps: validation loss [\d.]+, the prior alone [\d.]+/);
  assert.match(text, /dnu, median relative error +at most 0\.5 % +0\.[0-4]\d* %/);
  assert.match(text, /1470 days: median relative error dnu 0\.\d+ %/);
  assert.equal(figureTitles(notebook).length, 3);
});

test("07-performance measures every engine that runs here, side by side", async () => {
  const { notebook } = await runWith("07-performance", {
    points: 600,
    batch_size: 2,
    rounds: 1,
    steps: 1,
    plain_points: 60,
    peer: "",
  });
  const text = printed(notebook);
  const rate = String.raw`[\d.e+-]+ +[\d.e+-]+ +\d+`;
  assert.match(text, /^native, float32 +[\d.e+]+ +1\.0 +\d+ +native \(\d+ threads?/m);
  assert.match(text, new RegExp(`^cpu, float32 +${rate} +cpu \\(plain tfjs`, "m"));
  if (maybeTensorflowBuild() === null) {
    assert.match(text, /^tensorflow +.*Cannot use the tensorflow engine/m);
  } else {
    assert.match(text, new RegExp(`^tensorflow, float32 +${rate} +tensorflow \\(TensorFlow`, "m"));
    assert.match(text, new RegExp(`^tensorflow, mixed +${rate} +tensorflow \\(.*mixed precision`, "m"));
  }
  assert.match(text, /only our side was measured/);
  assert.equal(figureTitles(notebook).length, 2);
});

test("08-real-stars reproduces: run again, it gives the committed numbers and figures", async () => {
  const input = join(projectRoot, "notebooks", "08-real-stars.ipynb");
  // Other instruction sets round otherwise: the last printed digit may move.
  const { run, differences, provenance } = await verifyNotebook({ input, rtol: 5e-3, atol: 0.011 });
  assert.equal(run.error?.message, undefined);
  assert.deepEqual(differences, []);
  assert.ok(provenance !== undefined, "the notebook records what it was made with");
});
