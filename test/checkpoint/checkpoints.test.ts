/** A run folder's checkpoints: what is saved comes back, rotation, and the way down to one that is whole. */

import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import {
  loadCheckpointFile,
  loadNewestCheckpoint,
  saveCheckpoint,
  saveFinalModel,
} from "../../src/checkpoint/checkpoints";
import { toReferenceDict } from "../../src/checkpoint/reference-dict";
import { readTorchFile, writeTorchFile } from "../../src/checkpoint/torch-file";
import { type TorchDict, TorchFloat, TorchTensor, type TorchValue } from "../../src/checkpoint/torch-values";
import { CheckpointError } from "../../src/errors";
import { assertClose } from "../assert-close";
import { scratchFolder } from "./scratch";
import { stateOf } from "./states";

const GOLDEN = join(__dirname, "../golden/checkpoint");
const END = { isBest: false, isEpochEnd: true, keep: 3 };

test("a state comes back bit for bit", async (t) => {
  const dir = scratchFolder(t);
  const state = stateOf(3);
  const paths = await saveCheckpoint(dir, state, { ...END, isBest: true });
  assert.deepEqual(
    paths,
    ["checkpoint-3.pth", "is_best.pth", "checkpoint.pth"].map((name) => join(dir, name)),
  );
  for (const path of [...paths, await saveFinalModel(dir, state)]) {
    const loaded = await loadCheckpointFile(path);
    assert.deepStrictEqual(loaded.state, state);
    assert.equal(loaded.verified, true);
    assert.equal(loaded.path, path);
  }
  assert.deepEqual(readdirSync(dir).sort(), ["checkpoint-3.pth", "checkpoint.pth", "is_best.pth", "model.pth"]);
});

test("a state before the first step, with a constant learning rate and no losses, comes back", async (t) => {
  const dir = scratchFolder(t);
  const zeros = new Map([...stateOf(0).model].map(([name, { data }]) => [name, new Float32Array(data.length)]));
  const optimizer = { ...stateOf(0).optimizer, step: 0, firstMoments: zeros, secondMoments: zeros };
  const best = { valLoss: null, epoch: null };
  const state = stateOf(0, { optimizer, best, scheduler: null, trainLoss: null, valLoss: null, sums: {} });
  await saveCheckpoint(dir, state, END);
  assert.deepStrictEqual((await loadNewestCheckpoint(dir))?.state, state);
});

test("losses that are not finite come back", async (t) => {
  const dir = scratchFolder(t);
  const state = stateOf(1, { trainLoss: Number.NaN, valLoss: Number.POSITIVE_INFINITY });
  await saveCheckpoint(dir, state, END);
  assert.deepStrictEqual((await loadNewestCheckpoint(dir))?.state, state);
});

test("the file has the reference program's keys in its order, and integers apart from floats", async (t) => {
  const dir = scratchFolder(t);
  await saveCheckpoint(dir, stateOf(3), END);
  const dict = (await readTorchFile(join(dir, "checkpoint.pth"))) as TorchDict;
  const keys = [
    "epoch",
    "optimizer_state_dict",
    "train_loss",
    "val_loss",
    "model_state_dict",
    "scheduler_state_dict",
    "asterolab",
  ];
  assert.deepEqual([...dict.keys()], keys);
  assert.equal(dict.get("epoch"), 3);
  assert.deepEqual(dict.get("val_loss"), new TorchFloat(2));
  const [group] = (dict.get("optimizer_state_dict") as TorchDict).get("param_groups") as [TorchDict];
  assert.deepEqual(group.get("lr"), new TorchFloat(1));
});

test("the optimizer and the schedule have the keys, types and order of PyTorch's", async (t) => {
  const dir = scratchFolder(t);
  await saveCheckpoint(dir, stateOf(3), END);
  const ours = (await readTorchFile(join(dir, "checkpoint.pth"))) as TorchDict;
  const theirs = (await readTorchFile(join(GOLDEN, "reference.pth"))) as TorchDict;
  for (const key of ["optimizer_state_dict", "scheduler_state_dict"]) {
    assert.deepEqual(outline(ours.get(key)!), outline(theirs.get(key)!));
  }
});

test("inside an epoch only checkpoint.pth is written", async (t) => {
  const dir = scratchFolder(t);
  await saveCheckpoint(dir, stateOf(3), { ...END, isEpochEnd: false });
  assert.deepEqual(readdirSync(dir), ["checkpoint.pth"]);
});

test("the names of one state share their bytes on disk", async (t) => {
  const dir = scratchFolder(t);
  await saveCheckpoint(dir, stateOf(3), { ...END, isBest: true });
  assert.equal(statSync(join(dir, "checkpoint.pth")).nlink, 3);
});

test("rotation keeps the last k epochs, the best and everything else", async (t) => {
  const dir = scratchFolder(t);
  for (const name of ["checkpoint-x.pth", "checkpoint-1.pth.damaged", "notes.txt", "checkpoint-12.pth"])
    writeFileSync(join(dir, name), "");
  for (let epoch = 1; epoch <= 10; epoch++) {
    await saveCheckpoint(dir, stateOf(epoch), { isBest: epoch === 2, isEpochEnd: true, keep: 3 });
  }
  const expected = ["8", "9", "10", "12", "x"].map((name) => `checkpoint-${name}.pth`);
  assert.deepEqual(
    readdirSync(dir).sort(),
    [...expected, "checkpoint-1.pth.damaged", "checkpoint.pth", "is_best.pth", "notes.txt"].sort(),
  );
  assert.deepStrictEqual((await loadCheckpointFile(join(dir, "is_best.pth"))).state, stateOf(2));
});

test("the newest checkpoint that is whole is loaded, the damaged ones are named and set aside", async (t) => {
  const dir = scratchFolder(t);
  for (let epoch = 1; epoch <= 3; epoch++) await saveCheckpoint(dir, stateOf(epoch), { ...END, isBest: epoch === 1 });
  const damage = (name: string): void => {
    const bytes = readFileSync(join(dir, name));
    bytes[bytes.indexOf("conv1.weight")]! ^= 1;
    writeFileSync(join(dir, name), bytes);
  };
  const load = async (setAside: boolean) => {
    const messages: string[] = [];
    const loaded = await loadNewestCheckpoint(dir, { setAside, onDamaged: (message) => messages.push(message) });
    return { epoch: loaded?.epoch, messages };
  };
  assert.deepEqual(await load(true), { epoch: 3, messages: [] });
  // One file under two names: damage reaches both.
  damage("checkpoint.pth");
  const looking = await load(false);
  assert.equal(looking.epoch, 2);
  assert.deepEqual(
    readdirSync(dir).filter((name) => name.includes("damaged")),
    [],
  );
  const { epoch, messages } = await load(true);
  assert.equal(epoch, 2);
  assert.equal(messages.length, 2);
  const [checkpoint, aside] = ["checkpoint.pth", "checkpoint.pth.damaged"].map((name) => join(dir, name));
  assert.equal(
    messages[0],
    `Cannot load checkpoint "${checkpoint}": entry "archive/data.pkl" is damaged: its CRC-32 differs; kept as "${aside}"`,
  );
  assert.deepEqual(await load(true), { epoch: 2, messages: [] });
  // The next damaged file of that name does not take the first one's place.
  writeFileSync(join(dir, "checkpoint.pth"), "");
  assert.match((await load(true)).messages[0]!, /it is empty; kept as ".*checkpoint\.pth\.damaged-2"/);
  damage("checkpoint-2.pth");
  assert.equal((await load(true)).epoch, 1);
  const kept = readdirSync(dir).filter((name) => name.includes("damaged"));
  assert.deepEqual(kept.sort(), [
    "checkpoint-2.pth.damaged",
    "checkpoint-3.pth.damaged",
    "checkpoint.pth.damaged",
    "checkpoint.pth.damaged-2",
  ]);
});

test("a folder without checkpoints has none, one with only damaged ones is an error", async (t) => {
  const dir = scratchFolder(t);
  assert.equal(await loadNewestCheckpoint(dir), null);
  for (const name of ["checkpoint.pth", "is_best.pth"]) writeFileSync(join(dir, name), "x");
  await assert.rejects(loadNewestCheckpoint(dir), {
    name: "CheckpointError",
    message: `Cannot load checkpoint "${join(dir, "checkpoint.pth")}": it is not a .pth file: expected a ZIP archive (and 1 more); no checkpoint in "${dir}" is whole`,
  });
});

test("a missing run folder is named, on loading and on saving", async (t) => {
  const dir = join(scratchFolder(t), "none");
  await assert.rejects(loadNewestCheckpoint(dir), {
    name: "CheckpointError",
    message: `Cannot read run folder "${dir}": no such file or folder`,
  });
  await assert.rejects(saveCheckpoint(dir, stateOf(1), END), {
    name: "CheckpointError",
    message: /^Cannot write ".*": no such file or folder$/,
  });
});

test("a failed save leaves the folder as it was", async (t) => {
  const dir = scratchFolder(t);
  await saveCheckpoint(dir, stateOf(1), END);
  // A folder in the way of a name that the save replaces.
  mkdirSync(join(dir, "checkpoint-2.pth"));
  await assert.rejects(saveCheckpoint(dir, stateOf(2), END), CheckpointError);
  assert.deepEqual(readdirSync(dir).sort(), ["checkpoint-1.pth", "checkpoint-2.pth", "checkpoint.pth"]);
  assert.equal((await loadCheckpointFile(join(dir, "checkpoint.pth"))).epoch, 1);
});

for (const name of ["reference", "reference-1.13"]) {
  test(`reads the reference program's checkpoint, its "module." prefixes stripped (${name}.pth)`, async () => {
    const loaded = await loadCheckpointFile(join(GOLDEN, `${name}.pth`));
    const golden = JSON.parse(readFileSync(join(GOLDEN, `${name}.json`), "utf8"));
    const names = Object.keys(golden.weights);
    assert.deepEqual(
      [...loaded.model.keys()],
      names.map((key) => key.replace("module.", "")),
    );
    names.forEach((key, index) => {
      const bare = key.replace("module.", "");
      assertClose(loaded.model.get(bare)!.data, golden.weights[key].data.map(Number));
      assertClose(loaded.optimizer!.firstMoments.get(bare)!, golden.moments[`exp_avg.${index}`].data.map(Number));
      assertClose(loaded.optimizer!.secondMoments.get(bare)!, golden.moments[`exp_avg_sq.${index}`].data.map(Number));
    });
    const { optimizer, scheduler, epoch, trainLoss, valLoss, verified, state } = loaded;
    assert.deepEqual(
      { epoch, trainLoss, valLoss, verified, state },
      { epoch: 3, trainLoss: 1.5, valLoss: 1.25, verified: false, state: null },
    );
    assert.deepEqual([optimizer!.step, optimizer!.learningRate, optimizer!.beta1], [3, golden.lr, golden.beta1]);
    assert.deepEqual([optimizer!.beta2, optimizer!.epsilon], [0.999, 1e-8]);
    assert.deepEqual(scheduler, {
      step: golden.last_epoch,
      totalSteps: 20,
      maxLearningRate: 5e-4,
      initialLearningRate: 2e-5,
      finalLearningRate: 2e-9,
      risingFraction: 0.3,
      minBeta1: 0.85,
      maxBeta1: 0.95,
    });
  });
}

test("reads the weights of a plain state_dict", async () => {
  const loaded = await loadCheckpointFile(join(GOLDEN, "state_dict.pth"));
  assert.deepEqual([...loaded.model.keys()], ["0.weight", "0.bias", "1.weight", "1.bias", "2.weight", "2.bias"]);
  assert.deepEqual([loaded.epoch, loaded.optimizer, loaded.scheduler, loaded.state], [null, null, null, null]);
});

test("takes the weights of another program whose optimizer is not Adam", async (t) => {
  const path = join(scratchFolder(t), "x.pth");
  const dict = toReferenceDict(stateOf(1));
  dict.delete("asterolab");
  dict.set("optimizer_state_dict", new Map([["state", new Map()]]));
  dict.set("train_loss", new TorchTensor("float32", [], Float32Array.of(0.5)));
  await writeTorchFile(path, dict);
  const loaded = await loadCheckpointFile(path);
  assert.deepEqual([loaded.epoch, loaded.trainLoss, loaded.optimizer, loaded.scheduler], [1, 0.5, null, null]);
});

const broken: readonly [what: string, change: (dict: TorchDict) => TorchValue, message: RegExp][] = [
  ["a list", () => [], /it holds no dict, expected a state_dict or a checkpoint$/],
  ["an empty dict", () => new Map(), /it holds no weights$/],
  [
    "numbers",
    () => new Map([["lr", 1]]),
    /"lr" is no tensor; expected a state_dict of tensors, or a dict with model_state_dict$/,
  ],
  [
    "integer weights",
    () => new Map([["a", new TorchTensor("int8", [1], Int8Array.of(1))]]),
    /a has element type int8, expected a float type$/,
  ],
  ["no step", (dict) => without(dict, "step"), /: asterolab\.step is missing, expected an integer$/],
  ["a step of text", (dict) => changed(dict, "step", "1"), /: asterolab\.step is not an integer$/],
  [
    "sums of text",
    (dict) => changed(dict, "sums", new Map([["loss", "1"]])),
    /: asterolab\.sums\.loss is not a number$/,
  ],
  [
    "a later format",
    (dict) => changed(dict, "format_version", 2),
    /wrote it in format 2, this version reads format 1: update Asterolab$/,
  ],
  [
    "an unknown setting",
    (dict) => changed(dict, "config", '{"num_epoch":1}'),
    /: Unknown setting "num_epoch"; did you mean "num_epochs"\?$/,
  ],
  [
    "moments of another shape",
    (dict) => new Map([...dict, ["model_state_dict", otherShape()]]),
    /Adam's moments of conv1\.weight have shape \[4, 1, 5\], expected \[2, 10\]$/,
  ],
  [
    "no optimizer",
    (dict) => new Map([...dict, ["optimizer_state_dict", null]]),
    /: optimizer_state_dict is not a dict$/,
  ],
];

for (const [what, change, message] of broken) {
  test(`refuses a checkpoint with ${what} in one line`, async (t) => {
    const path = join(scratchFolder(t), "x.pth");
    await writeTorchFile(path, change(toReferenceDict(stateOf(1))));
    await assert.rejects(loadCheckpointFile(path), (error) => {
      assert.ok(error instanceof CheckpointError);
      assert.match(error.message, message);
      assert.ok(error.message.startsWith(`Cannot load checkpoint "${path}": `));
      return true;
    });
  });
}

function changed(dict: TorchDict, key: string, value: TorchValue): TorchDict {
  (dict.get("asterolab") as TorchDict).set(key, value);
  return dict;
}

function without(dict: TorchDict, key: string): TorchDict {
  (dict.get("asterolab") as TorchDict).delete(key);
  return dict;
}

function otherShape(): TorchDict {
  return new Map([["conv1.weight", new TorchTensor("float32", [2, 10], new Float32Array(20))]]);
}

/** Keys and types, numbers and lengths left out. */
function outline(value: TorchValue): unknown {
  if (value instanceof TorchTensor) return value.dtype;
  if (value instanceof Map) {
    // Parameters are counted, and there may be another number of them.
    const isCounted = value.has(0);
    return isCounted ? outline(value.get(0)!) : [...value].map(([key, item]) => [key, outline(item)]);
  }
  if (Array.isArray(value)) return typeof value[0] === "number" ? "integers" : value.map(outline);
  return value === null || typeof value !== "object" ? typeof value : value.constructor.name;
}
