import assert from "node:assert/strict";
import test from "node:test";
import { maybeFindMpirun } from "../../src/distributed/mpirun";
import { figureTitles, printed, runSmall } from "./run-notebooks";

const skip = maybeFindMpirun() === null ? "no mpirun here" : false;

test("06-ranks trains on one rank and on two, compares them, and goes on with one", { skip }, async () => {
  const { notebook } = await runSmall("06-ranks", { run_dir: "run", epochs: 1, batch_size: 16 });
  const text = printed(notebook);
  assert.match(text, /1 rank: 3 steps, validation loss/);
  assert.match(text, /2 ranks: 3 steps, validation loss/);
  const difference = Number(/the losses differ by at most (\S+) of their value/.exec(text)?.[1]);
  assert.ok(difference < 1e-4, `the losses differ by ${difference}`);
  assert.match(text, /2 ranks: [\d.]+ spectra\/s, [\d.]+ % of a step spent waiting/);
  assert.match(text, /after epoch 2, step 6: validation loss/);
  assert.deepEqual(figureTitles(notebook), ["Training on ranks", "Scaling over ranks"]);
});
