import assert from "node:assert/strict";
import test, { before } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { PRESETS } from "../../src/config";
import { classCount, HEAD_NAMES, type HeadName, PARAMETERS, SEVEN_HEADS } from "../../src/data/parameters";
import { engineStatistics, resetEngineStatistics, selectEngine } from "../../src/engine";
import { createModel } from "../../src/model/create-model";
import { Model, type ModelOptions } from "../../src/model/model";
import { assertClose } from "../assert-close";

const SMALL: ModelOptions = {
  classes: new Map<HeadName, number>([
    ["dnu", 5],
    ["inc", 3],
  ]),
  shape: 81,
  filters: [2, 3],
  kernelSize: 5,
  lstmUnits: [4, 3],
  denseUnits: 6,
  dropout: 0.5,
  seed: 1,
};

const spectra = (batch: number, shape = SMALL.shape) =>
  tf.tensor2d(
    Float32Array.from({ length: batch * shape }, (_, index) => 1 + 0.9 * Math.sin(index * 1.7)),
    [batch, shape],
  );
const values = (outputs: readonly tf.Tensor2D[]) => outputs.map((output) => [...output.dataSync()]);

before(async () => {
  await selectEngine("native", { threads: 2 });
});

test("the reference network has seven heads by default, 25088 trunk inputs and 16 366 044 parameters", () => {
  const model = createModel(PRESETS.default, 35692);
  assert.deepEqual(model.heads, SEVEN_HEADS);
  assert.equal(model.linearInputNeurons(35692), 25088);
  assert.equal(model.sizeAfterCnnLstm(), 25088);
  assert.equal(model.parameterCount, 16_366_044);
  model.dispose();
});

test("the presets make networks: reference as the original, compact with all heads and far fewer parameters", () => {
  const reference = createModel(PRESETS.reference, 35692);
  assert.equal(reference.parameterCount, 16_366_044);
  reference.dispose();
  const compact = createModel(PRESETS.compact, 35692);
  assert.deepEqual(compact.heads, HEAD_NAMES);
  assert.ok(compact.parameterCount < 2e6, `${compact.parameterCount} parameters`);
  compact.dispose();
});

test("forward() gives one [B, classes] per head, for any subset of the fifteen heads", () => {
  for (const heads of [HEAD_NAMES, ["vl3"], ["numax", "a3"]] as const) {
    const classes = new Map<HeadName, number>(heads.map((head) => [head, classCount(PARAMETERS[head].edges)]));
    const model = new Model({ ...SMALL, classes });
    const shapes = model.forward(spectra(2)).map(({ shape }) => shape);
    assert.deepEqual(
      shapes,
      [...classes.values()].map((count) => [2, count]),
    );
    model.dispose();
  }
});

test("heads of the regression losses give one or two numbers", () => {
  for (const [outputs, width] of [
    ["value", 1],
    ["gaussian", 2],
  ] as const) {
    const model = new Model({ ...SMALL, outputs });
    assert.deepEqual(
      model.forward(spectra(2)).map(({ shape }) => shape),
      [
        [2, width],
        [2, width],
      ],
    );
    model.dispose();
  }
});

test("forward() takes rows one by one: a row's outputs do not depend on its neighbours", () => {
  const model = new Model(SMALL);
  const x = spectra(3);
  const together = model.forward(x)[0]!.arraySync()[1]!;
  const alone = model.forward(tf.slice(x, [1, 0], [1, -1]))[0]!.arraySync()[0]!;
  assertClose(alone, together, { rtol: 1e-5, atol: 1e-6 });
  model.dispose();
});

test("dropout acts in training only, with masks named by seed and step", () => {
  const model = new Model(SMALL);
  const x = spectra(2);
  const evaluated = values(model.forward(x));
  assert.deepEqual(values(model.forward(x)), evaluated);
  const training = { seed: 3, step: 7 };
  const dropped = values(model.forward(x, { training }));
  assert.notDeepEqual(dropped, evaluated);
  assert.deepEqual(values(model.forward(x, { training })), dropped);
  assert.notDeepEqual(values(model.forward(x, { training: { seed: 3, step: 8 } })), dropped);
  model.dispose();
});

test("dropout stands after the last two stages, after each LSTM and before the trunk", () => {
  const model = new Model({ ...SMALL, filters: [2, 2, 3] });
  resetEngineStatistics();
  model.forward(spectra(1), { training: { seed: 1, step: 1 } });
  assert.equal(engineStatistics().ops.get("dropout")!.calls, 5);
  resetEngineStatistics();
  model.forward(spectra(1));
  assert.equal(engineStatistics().ops.has("dropout"), false);
  model.dispose();
});

test("posEnc adds the position code to the sequence that enters the LSTMs", () => {
  const plain = new Model(SMALL);
  const coded = new Model({ ...SMALL, posEnc: true });
  assert.notDeepEqual(values(coded.forward(spectra(1))), values(plain.forward(spectra(1))));

  // Three points leave one time step; with a scale of 0, its two channels are the shift times the two of three cells that
  // the mean pool sees inside. So the code of position 0, (0, 1), is what the shift (0, 1.5) gives.
  const tiny: ModelOptions = { ...SMALL, shape: 3, filters: [2] };
  const one = new Model({ ...tiny, posEnc: true });
  const shifted = new Model(tiny);
  const state = one.stateDict();
  state.set("gn1.weight", { shape: [2], data: Float32Array.of(0, 0) });
  one.loadStateDict(state);
  state.set("gn1.bias", { shape: [2], data: Float32Array.of(0, 1.5) });
  shifted.loadStateDict(state);
  assertClose(values(one.forward(spectra(1, 3)))[0]!, values(shifted.forward(spectra(1, 3)))[0]!, { rtol: 1e-5 });
  for (const model of [plain, coded, one, shifted]) model.dispose();
});

test("forward() refuses spectra of another length", () => {
  const model = new Model(SMALL);
  assert.throws(() => model.forward(spectra(2, 80)), {
    name: "RangeError",
    message: "Cannot evaluate the network: x has shape [2, 80], expected [B, 81]",
  });
  model.dispose();
});

test("equal seeds give equal networks", () => {
  const [first, second, other] = [1, 1, 2].map((seed) => new Model({ ...SMALL, seed }));
  assert.deepEqual(first!.stateDict(), second!.stateDict());
  assert.notDeepEqual(first!.stateDict(), other!.stateDict());
  for (const model of [first, second, other]) model!.dispose();
});

test("a state dict goes from one network to another, also with the prefix of data-parallel wrapping", () => {
  const source = new Model(SMALL);
  const target = new Model({ ...SMALL, seed: 2 });
  const wrapped = new Map([...source.stateDict()].map(([name, tensor]) => [`module.${name}`, tensor]));
  target.loadStateDict(wrapped);
  assert.deepEqual(target.stateDict(), source.stateDict());
  assert.deepEqual(values(target.forward(spectra(2))), values(source.forward(spectra(2))));
  source.dispose();
  target.dispose();
});

test("loadStateDict() names what does not fit and changes nothing", () => {
  const model = new Model(SMALL);
  const before = model.stateDict();
  const path = "runs/a/checkpoint.pth";
  const state = model.stateDict();
  state.set("conv1.weight", { shape: [2, 1, 25], data: new Float32Array(50) });
  assert.throws(() => model.loadStateDict(state, path), {
    name: "CheckpointError",
    path,
    message: `Cannot load checkpoint "${path}": conv1.weight has shape [2, 1, 25], expected [2, 1, 5]`,
  });
  state.delete("linear_inc.bias");
  state.set("linear_dp.bias", { shape: [1], data: new Float32Array(1) });
  assert.throws(() => model.loadStateDict(state, path), {
    name: "CheckpointError",
    message: `Cannot load checkpoint "${path}": conv1.weight has shape [2, 1, 25], expected [2, 1, 5] (and 2 more that do not fit)`,
  });
  assert.deepEqual(model.stateDict(), before);
  model.dispose();
});

test("forward() and dispose() leave no tensors behind", () => {
  const { numTensors } = tf.memory();
  const model = new Model({ ...SMALL, posEnc: true });
  const x = spectra(2);
  const during = tf.memory().numTensors;
  tf.dispose(model.forward(x, { training: { seed: 1, step: 1 } }));
  assert.equal(tf.memory().numTensors, during);
  x.dispose();
  model.dispose();
  assert.equal(tf.memory().numTensors, numTensors);
});
