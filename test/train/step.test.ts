import assert from "node:assert/strict";
import test, { before } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import type { HeadName } from "../../src/data/parameters";
import { engineStatistics, resetEngineStatistics, selectEngine } from "../../src/engine";
import { Model } from "../../src/model/model";
import { Random } from "../../src/random";
import { Adam } from "../../src/train/adam";
import { outputsOf } from "../../src/train/evaluate";
import { oneCycle } from "../../src/train/schedule";
import { accumulate, applyGradients, batchGradients, type Examples } from "../../src/train/step";
import { assertClose } from "../assert-close";

const CROSS_ENTROPY = "sparse_categorical_crossentropy";

before(async () => {
  await selectEngine("native", { threads: 2 });
});

function tinyModel(dropout: number, posEnc = false): Model {
  const classes = new Map<HeadName, number>([
    ["numax", 4],
    ["inc", 2],
  ]);
  return new Model({
    ...{
      classes,
      dropout,
      posEnc,
      shape: 243,
      filters: [8, 8],
      kernelSize: 9,
      lstmUnits: [8, 8],
      denseUnits: 16,
      seed: 4,
    },
  });
}

function examples(size: number, seed = 1): Examples {
  const random = new Random(seed);
  const spectra = Float32Array.from({ length: size * 243 }, () => -Math.log(random.uniform()) + 1e-3);
  const targets = Int32Array.from({ length: size * 2 }, (_, index) => random.integer(index % 2 === 0 ? 4 : 2));
  return { spectra, targets, size };
}

const slice = ({ spectra, targets }: Examples, from: number, to: number): Examples => ({
  spectra: spectra.slice(from * 243, to * 243),
  targets: targets.slice(from * 2, to * 2),
  size: to - from,
});

test("clipping, Adam and a cycled beta1 together do what PyTorch does", () => {
  // torch 2.13: Adam(lr=1e-4) under OneCycleLR(max_lr=0.01, total_steps=10), clip_grad_norm_(0.5), six steps with the
  // gradients below.
  const p = tf.variable(tf.tensor2d([0.5, -1, 2, 0.25], [2, 2]));
  const q = tf.variable(tf.tensor1d([0.1, -0.2, 0.3]));
  const optimizer = new Adam(
    new Map<string, tf.Variable>([
      ["p", p],
      ["q", q],
    ]),
  );
  const schedule = oneCycle({ maxLearningRate: 0.01, totalSteps: 10 });
  const norms: number[] = [];
  for (let step = 0; step < 6; step++) {
    const gradients = [
      tf.mul(tf.tensor2d([1, -2, 0.5, 0], [2, 2]), (step + 1) * 0.3),
      tf.div(tf.tensor1d([0.01, 1, -3]), step + 1),
    ];
    norms.push(applyGradients(optimizer, gradients, { value: schedule.at(step), clipNorm: 0.5, divisor: 1 }));
  }
  assertClose(
    norms,
    [
      3.2361397743225098, 2.09523868560791, 2.3159494400024414, 2.860945224761963, 3.4946393966674805,
      4.157857894897461,
    ],
    { rtol: 1e-6 },
  );
  assertClose(p.dataSync(), [0.46428194642066956, -0.9642819762229919, 1.9642820358276367, 0.25], { rtol: 1e-6 });
  assertClose(q.dataSync(), [0.07567178457975388, -0.22432845830917358, 0.3243284523487091], { rtol: 1e-6 });
  const { step, firstMoments, secondMoments } = optimizer.state();
  assert.equal(step, 6);
  assertClose(firstMoments.get("p")!, [0.101019948720932, -0.202039897441864, 0.050509974360466, 0], { rtol: 1e-5 });
  assertClose(secondMoments.get("q")!, [4.6220898219928586e-9, 4.622089909389615e-5, 0.0004159880627412349], {
    rtol: 1e-5,
  });
});

test("gradients below the clipping norm are left as they are, and none are clipped without one", () => {
  for (const clipNorm of [100, null]) {
    const p = tf.variable(tf.tensor1d([1, 1]));
    const optimizer = new Adam(new Map([["p", p]]));
    const value = { learningRate: 0.1, beta1: 0.9 };
    assertClose(applyGradients(optimizer, [tf.tensor1d([3, 4])], { value, clipNorm, divisor: 1 }), 5, { rtol: 1e-7 });
    assertClose(optimizer.state().firstMoments.get("p")!, [0.3, 0.4], { rtol: 1e-6 });
  }
});

test("a gradient that is no number leaves parameters and moments alone", () => {
  const p = tf.variable(tf.tensor1d([1, 2]));
  const optimizer = new Adam(new Map([["p", p]]));
  const value = { learningRate: 0.1, beta1: 0.9 };
  const norm = applyGradients(optimizer, [tf.tensor1d([Number.NaN, 1])], { value, clipNorm: 1, divisor: 1 });
  assert.ok(Number.isNaN(norm));
  assert.deepEqual([...p.dataSync()], [1, 2]);
  assert.equal(optimizer.step, 0);
});

test("accumulated batches of unequal size give the gradient of their mean loss", () => {
  const model = tinyModel(0);
  const all = examples(7);
  const masks = { seed: 1, step: 1 };
  const whole = batchGradients(model, CROSS_ENTROPY, all, masks);
  let sum = accumulate(null, batchGradients(model, CROSS_ENTROPY, slice(all, 0, 3), masks));
  sum = accumulate(sum, batchGradients(model, CROSS_ENTROPY, slice(all, 3, 6), masks));
  sum = accumulate(sum, batchGradients(model, CROSS_ENTROPY, slice(all, 6, 7), masks));
  assert.equal(sum.size, 7);
  assertClose(sum.loss, whole.loss, { rtol: 1e-6 });
  whole.tensors.forEach((gradient, index) => {
    const largest = Math.max(...gradient.dataSync().map(Math.abs));
    const mean = sum.tensors[index]!.dataSync().map((value) => value / 7);
    assertClose(mean, gradient.dataSync(), { rtol: 1e-3, atol: 1e-4 * largest, what: `gradient ${index}` });
  });
  model.dispose();
});

test("batchGradients() is the slope of the loss (central differences)", () => {
  const model = tinyModel(0.25);
  const batch = examples(4);
  const masks = { seed: 3, step: 9 };
  const { tensors } = batchGradients(model, CROSS_ENTROPY, batch, masks);
  [...model.parameters].forEach(([name, variable], index) => {
    // Along the gradient itself: the slope is its norm. Float32 leaves three digits of a difference of losses.
    const gradient = tensors[index]!.dataSync() as Float32Array;
    const norm = Math.hypot(...gradient);
    const start = (variable.dataSync() as Float32Array).slice();
    const lossAt = (distance: number): number => {
      const moved = start.map((value, element) => value + (distance * gradient[element]!) / norm);
      model.loadStateDict(new Map(model.stateDict()).set(name, { shape: variable.shape, data: moved }));
      const result = batchGradients(model, CROSS_ENTROPY, batch, masks);
      tf.dispose(result.tensors);
      return result.loss;
    };
    const distance = 2e-3;
    const slope = (lossAt(distance) - lossAt(-distance)) / (2 * distance);
    lossAt(0);
    assertClose(slope, norm, { rtol: 0.03, atol: 2e-3, what: name });
  });
  model.dispose();
});

test("a small network overfits eight spectra", () => {
  const model = tinyModel(0);
  const optimizer = new Adam(model.parameters);
  const batch = examples(8);
  const losses: number[] = [];
  for (let step = 0; step < 150; step++) {
    const { loss, tensors } = batchGradients(model, CROSS_ENTROPY, batch, { seed: 1, step });
    losses.push(loss);
    applyGradients(optimizer, tensors, { value: { learningRate: 1e-2, beta1: 0.9 }, clipNorm: 1, divisor: 1 });
  }
  assert.ok(losses.at(-1)! < 0.1 * losses[0]!, `the loss went from ${losses[0]} to ${losses.at(-1)}`);
  optimizer.dispose();
  model.dispose();
});

test("steps leave no tensors behind", () => {
  const model = tinyModel(0.25);
  const optimizer = new Adam(model.parameters);
  const value = { learningRate: 1e-2, beta1: 0.9 };
  const { numTensors } = tf.memory();
  for (let step = 0; step < 4; step += 2) {
    const first = batchGradients(model, CROSS_ENTROPY, examples(2), { seed: 1, step });
    const second = batchGradients(model, CROSS_ENTROPY, examples(3), { seed: 1, step: step + 1 });
    const { tensors } = accumulate(accumulate(null, first), second);
    applyGradients(optimizer, tensors, { value, clipNorm: 1, divisor: 5 });
  }
  assert.equal(tf.memory().numTensors, numTensors);
  optimizer.dispose();
  model.dispose();
});

/** The model, on a device whose memory holds so many spectra. */
function cramped(room: number, tried: number[]): Model {
  const model = tinyModel(0.25);
  const forward = model.forward.bind(model);
  model.forward = (x, ...rest) => {
    tried.push(x.shape[0]);
    if (x.shape[0] > room) throw new Error("Invalid TF_Status: 8\nMessage: OOM when allocating tensor with shape[9]");
    return forward(x, ...rest);
  };
  return model;
}

test("a step that does not fit into memory names a batch that does, tells nobody of its trials, and leaves nothing", () => {
  const tried: number[] = [];
  const model = cramped(3, tried);
  const heard: string[] = [];
  const { numTensors } = tf.memory();
  const training = { seed: 1, step: 0, onGradient: (name: string) => void heard.push(name) };
  assert.throws(() => batchGradients(model, CROSS_ENTROPY, examples(12), training), {
    name: "OutOfMemoryError",
    fittingSize: 3,
    message:
      "Cannot compute on 12 spectra at once: the device's memory must hold them (OOM when allocating tensor with shape[9]); " +
      "3 fit: set num_batchsize to 3 for each rank, and accumulate to 4 times what it is, for the same step",
  });
  assert.deepEqual([tried, heard], [[12, 6, 3], []]);
  assert.equal(tf.memory().numTensors, numTensors);
  assert.throws(() => outputsOf(model, examples(12).spectra, 12), {
    name: "OutOfMemoryError",
    message: /; 3 fit: evaluate in batches of 3, or with --engine native$/,
  });
  assert.equal(tf.memory().numTensors, numTensors);
  model.dispose();
});

test("no op of a training step falls back to JavaScript", () => {
  const model = tinyModel(0.25, true);
  const optimizer = new Adam(model.parameters);
  resetEngineStatistics();
  let sum = accumulate(null, batchGradients(model, CROSS_ENTROPY, examples(3), { seed: 1, step: 0 }));
  sum = accumulate(sum, batchGradients(model, CROSS_ENTROPY, examples(2), { seed: 1, step: 1 }));
  applyGradients(optimizer, sum.tensors, { value: { learningRate: 1e-2, beta1: 0.9 }, clipNorm: 1, divisor: sum.size });
  const { ops, fallbacks } = engineStatistics();
  assert.deepEqual([...fallbacks.keys()], []);
  assert.equal(ops.get("adamUpdate")!.calls, 1);
  optimizer.dispose();
  model.dispose();
});

test("Adam.load() takes over a state, and refuses one of other parameters", () => {
  const parameters = () => new Map([["p", tf.variable(tf.tensor1d([1, 2]))]]);
  const source = new Adam(parameters());
  source.update([tf.tensor1d([1, -1])], { learningRate: 0.1, beta1: 0.9 }, 1);
  const target = new Adam(parameters());
  target.load(source.state());
  assert.deepEqual(target.state(), source.state());
  const other = new Adam(new Map([["w", tf.variable(tf.tensor1d([1, 2, 3]))]]));
  assert.throws(() => other.load(source.state()), {
    name: "RangeError",
    message: "Cannot load the optimizer: the first moments of w need 3 numbers, got none",
  });
});

test("where a batch does not fit into memory, the error names the rows that do, whatever the batch size", () => {
  const model = tinyModel(0);
  const forward = model.forward.bind(model);
  model.forward = (x, options) => {
    if (x.shape[0] > 1) throw new Error("Invalid TF_Status: 8\nMessage: OOM when allocating tensor");
    return forward(x, options);
  };
  for (const size of [3, 32, 49, 98, 103, 107]) {
    assert.throws(() => batchGradients(model, CROSS_ENTROPY, examples(size), { seed: 1, step: 0 }), {
      name: "OutOfMemoryError",
      fittingSize: 1,
    });
  }
  model.dispose();
});
