/** Weights through every format and back, and what conversions refuse. */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { before, type TestContext } from "node:test";
import {
  loadCheckpointFile,
  saveCheckpoint,
  saveWeights,
  type TorchDict,
  TorchFloat,
  TorchTensor,
  type TorchValue,
  writeTorchFile,
} from "../../src/checkpoint";
import { convert } from "../../src/convert";
import { selectEngine } from "../../src/engine";
import { openModel } from "../../src/predict";
import { temporaryFolder } from "../data/make-shard";
import { networkState, POINTS, SMALL } from "./networks";

before(async () => {
  await selectEngine("cpu");
});

/** A run folder's checkpoint of a small network. */
async function checkpointIn(t: TestContext): Promise<{ folder: string; checkpoint: string }> {
  const folder = temporaryFolder(t);
  await saveCheckpoint(folder, networkState(SMALL), { isBest: false, isEpochEnd: false, keep: 1 });
  return { folder, checkpoint: join(folder, "checkpoint.pth") };
}

for (const format of ["weights.safetensors", "model.json", "weights.pth"]) {
  test(`weights and settings come back bit for bit through ${format}`, async (t) => {
    const { folder, checkpoint } = await checkpointIn(t);
    const [there, back] = [join(folder, format), join(folder, "back.pth")];
    const { paths, parameterCount } = await convert(checkpoint, there);
    assert.equal(paths[0], there);
    await convert(there, back);
    const before = await loadCheckpointFile(checkpoint);
    const after = await loadCheckpointFile(back);
    assert.deepEqual([...after.model].sort(), [...before.model].sort());
    assert.equal(
      parameterCount,
      [...before.model.values()].reduce((sum, { data }) => sum + data.length, 0),
    );
    assert.deepEqual(after.settings, { config: SMALL, points: POINTS });
    assert.equal(after.state, null);
    const { model } = await openModel(back);
    model.dispose();
  });
}

/** One of every kind of value that a calibration holds. */
const CALIBRATION: TorchDict = new Map<string, TorchValue>([
  ["temperature", new Map([["numax", new TorchFloat(0.1 + 0.2)]])],
  ["by_oversampling", new Map([["0", new Map([["oversampling", new TorchFloat(1)]])]])],
  ["prior", new Map([["numax", new TorchTensor("float64", [3], Float64Array.of(0.1, 0.2, 0.7))]])],
  ["familiarity", new Map<string, TorchValue>([["limit", new TorchFloat(Number.POSITIVE_INFINITY)]])],
  ["whitening", new TorchTensor("float32", [2, 2], Float32Array.of(1e-45, Number.NaN, -0, 3.4e38))],
  ["rows", 16384],
]);

for (const format of ["weights.safetensors", "model.json", "weights.pth"]) {
  test(`a calibration comes back bit for bit through ${format}`, async (t) => {
    const folder = temporaryFolder(t);
    const [from, there, back] = ["from.pth", format, "back.pth"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    await saveWeights(from, networkState(SMALL).model, { config: SMALL, points: POINTS }, CALIBRATION);
    await convert(from, there);
    await convert(there, back);
    assert.deepStrictEqual((await loadCheckpointFile(back)).calibration, CALIBRATION);
  });
}

test("refuses a calibration that is damaged, naming the entry", async (t) => {
  const folder = temporaryFolder(t);
  const [from, path] = [join(folder, "from.pth"), join(folder, "model.json")];
  await saveWeights(from, networkState(SMALL).model, { config: SMALL, points: POINTS }, CALIBRATION);
  await convert(from, path);
  const document = readFileSync(path, "utf8");
  for (const [text, replacement, message] of [
    ['"shape":[3],"base64"', '"shape":[4],"base64"', /calibration\.prior\.numax holds 24 bytes, its shape needs 32$/],
    ['"dtype":"float64","shape"', '"dtype":"string","shape"', /calibration\.prior\.numax\.shape is no JSON object$/],
  ] as const) {
    assert.ok(document.includes(text));
    writeFileSync(path, document.replace(text, replacement));
    await assert.rejects(convert(path, join(folder, "b.pth")), { name: "CheckpointError", message });
  }
});

test("a plain state_dict keeps its names and has no settings", async (t) => {
  const folder = temporaryFolder(t);
  const [plain, there, back] = ["a.pth", "b.safetensors", "c.pth"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await saveWeights(plain, networkState(SMALL).model, null);
  await convert(plain, there);
  await convert(there, back);
  assert.deepEqual(readFileSync(back).equals(readFileSync(plain)), false, "safetensors sorts its names");
  const [before, after] = [await loadCheckpointFile(plain), await loadCheckpointFile(back)];
  assert.equal(after.settings, null);
  assert.deepEqual([...after.model].sort(), [...before.model].sort());
});

test("refuses names of other formats, the same file, and weights that make no network", async (t) => {
  const { folder, checkpoint } = await checkpointIn(t);
  const cases: [string, string, string, RegExp][] = [
    [checkpoint, join(folder, "a.onnx"), "CliError", /^Cannot convert ".*a\.onnx": expected a name that ends in \.pth/],
    [checkpoint, checkpoint, "CliError", /^Cannot convert ".*" into itself/],
    [join(folder, "none.pth"), join(folder, "a.json"), "CheckpointError", /none\.pth": no such file or folder$/],
  ];
  for (const [from, to, name, message] of cases) await assert.rejects(convert(from, to), { name, message });

  const lacking = new Map(networkState(SMALL).model);
  lacking.delete("linear.bias");
  const partial = join(folder, "partial.pth");
  await saveWeights(partial, lacking, { config: SMALL, points: POINTS });
  await assert.rejects(convert(partial, join(folder, "a.json")), {
    name: "CheckpointError",
    message: `Cannot load checkpoint "${partial}": linear.bias is missing, expected shape [6]`,
  });
  await writeTorchFile(partial, 3);
  await assert.rejects(convert(partial, join(folder, "a.json")), /it holds no dict/);
});

test("refuses a model.json of another program, weights elsewhere, and weights that changed", async (t) => {
  const { folder, checkpoint } = await checkpointIn(t);
  const path = join(folder, "model.json");
  const [, weights] = (await convert(checkpoint, path)).paths;
  const document = readFileSync(path, "utf8");
  const refusal = (message: RegExp) =>
    assert.rejects(convert(path, join(folder, "b.pth")), { name: "CheckpointError", message });

  const bytes = readFileSync(weights!);
  bytes[100]! ^= 1;
  writeFileSync(weights!, bytes);
  await refusal(/the SHA-256 of "model\.weights\.bin" differs/);
  writeFileSync(path, document.replace('"model.weights.bin"', '"../model.weights.bin"'));
  await refusal(/it names "\.\.\/model\.weights\.bin", expected weights in its own folder/);
  writeFileSync(path, '{"format": "layers-model"}');
  await refusal(/it is no graph model of Asterolab: format: /);
  writeFileSync(path, "{");
  await refusal(/JSON/);
});
