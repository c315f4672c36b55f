import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { before, type TestContext } from "node:test";
import {
  saveCheckpoint,
  saveFinalModel,
  saveWeights,
  TorchTensor,
  type TrainingState,
  writeTorchFile,
} from "../../src/checkpoint";
import { parseConfig } from "../../src/config";
import { POINTS } from "../../src/data/grid";
import { selectEngine } from "../../src/engine";
import { createModel } from "../../src/model/create-model";
import type { ModelState } from "../../src/model/state";
import { openModel } from "../../src/predict/open-model";
import { stateOf } from "../checkpoint/states";
import { temporaryFolder } from "../data/make-shard";

const SMALL = parseConfig("default", {
  heads: ["numax", "epg"],
  edges: { numax: [5, 50, 100, 286] },
  filters: [2, 2, 2],
  kernel_size: 5,
  lstm_units: [3, 4],
  dense_units: 6,
});

before(async () => {
  await selectEngine("cpu");
});

function weightsOf(seed: number, points: number): ModelState {
  const model = createModel({ ...SMALL, seed }, points);
  const state = model.stateDict();
  model.dispose();
  return state;
}

function runState(seed: number, points: number): TrainingState {
  const model = weightsOf(seed, points);
  const zeros = new Map([...model].map(([name, { data }]) => [name, new Float32Array(data.length)]));
  const { optimizer } = stateOf(1);
  return stateOf(1, {
    model: model as TrainingState["model"],
    optimizer: { ...optimizer, firstMoments: zeros, secondMoments: zeros },
    points,
    config: SMALL,
  });
}

/** A folder whose `is_best.pth` holds the weights of seed 1, `checkpoint.pth` and `model.pth` those of seed 2. */
async function runFolder(t: TestContext): Promise<string> {
  const folder = temporaryFolder(t);
  await saveCheckpoint(folder, runState(1, 200), { isBest: true, isEpochEnd: false, keep: 1 });
  await saveCheckpoint(folder, runState(2, 200), { isBest: false, isEpochEnd: false, keep: 1 });
  await saveFinalModel(folder, runState(2, 200));
  return folder;
}

test("a run folder gives the best network with its settings, a file gives its own", async (t) => {
  const folder = await runFolder(t);
  const best = await openModel(folder);
  assert.deepEqual(best.config, SMALL);
  assert.equal(best.points, 200);
  assert.equal(best.checkpoint.path, join(folder, "is_best.pth"));
  assert.deepEqual([...best.classEdges.keys()], ["numax", "epg"]);
  assert.deepEqual(best.classEdges.get("numax"), Float64Array.of(5, 50, 100, 286));
  assert.deepEqual(best.model.stateDict(), weightsOf(1, 200));
  const last = await openModel(join(folder, "model.pth"));
  assert.deepEqual(last.model.stateDict(), weightsOf(2, 200));
});

async function writeWeights(path: string, weights: ModelState): Promise<void> {
  const tensors = [...weights].map(
    ([name, { shape, data }]) => [`module.${name}`, new TorchTensor("float32", shape, data as Float32Array)] as const,
  );
  await writeTorchFile(path, new Map(tensors));
}

test("a state_dict of another program is opened by the shapes of its weights", async (t) => {
  const path = join(temporaryFolder(t), "weights.pth");
  const config = parseConfig("reference", { ...SMALL, edges: {}, heads: ["dnu", "a3"], normalize: "none" });
  const model = createModel(config, POINTS);
  await writeWeights(path, model.stateDict());
  const opened = await openModel(path);
  assert.deepEqual(opened.model.stateDict(), model.stateDict());
  assert.deepEqual(opened.config.heads, ["dnu", "a3"]);
  assert.deepEqual([opened.points, opened.config.normalize], [POINTS, "none"]);
});

test("weights that make no such network are refused", async (t) => {
  const path = join(temporaryFolder(t), "weights.pth");
  await writeWeights(path, weightsOf(1, 200));
  await assert.rejects(openModel(path), {
    name: "CheckpointError",
    message: `Cannot load checkpoint "${path}": its linear.weight has 32 inputs, expected 5288 for spectra of 35692 points`,
  });
  await writeWeights(path, weightsOf(1, POINTS));
  await assert.rejects(openModel(path), {
    name: "CheckpointError",
    message: `Cannot load checkpoint "${path}": linear_numax has 3 classes, expected the 99 of the table (a file without settings does not say its class edges)`,
  });
  const incomplete = weightsOf(1, POINTS);
  incomplete.delete("lstm2.weight_hh_l0");
  await writeWeights(path, incomplete);
  await assert.rejects(openModel(path), {
    name: "CheckpointError",
    message: `Cannot load checkpoint "${path}": it has no lstm2.weight_hh_l0, expected a CNN-LSTM-Dense network`,
  });
});

test("a path without a network is refused", async (t) => {
  const folder = temporaryFolder(t);
  const absent = join(folder, "absent");
  assert.equal(existsSync(absent), false);
  await assert.rejects(openModel(absent), {
    name: "CliError",
    message: `Cannot open model "${absent}": no such file or folder; expected a run folder or a .pth file`,
  });
  mkdirSync(absent);
  writeFileSync(join(absent, "config.json"), "{}");
  await assert.rejects(openModel(absent), {
    name: "CliError",
    message: `Cannot open model "${absent}": the folder holds none of is_best.pth, model.pth, checkpoint.pth`,
  });
});

test("a file that claims a network far beyond its weights is refused before memory is taken for it", async (t) => {
  const path = join(temporaryFolder(t), "huge.pth");
  const config = { ...SMALL, lstm_units: [1_000_000, 1_000_000] };
  await saveWeights(path, weightsOf(1, 200), { config, points: 200 });
  await assert.rejects(openModel(path), {
    name: "CheckpointError",
    message: /huge\.pth": lstm1\.weight_ih_l0 has shape \[12, 2\], expected \[4000000, 2\] \(and 8 more/,
  });
});
