/** Mixed precision: products in bfloat16 within the rounding of its 8 bits, everything else in float32. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import type { Scalar, Tensor, Tensor2D, Tensor3D } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { parseConfig } from "../../../src/config";
import { selectEngine } from "../../../src/engine";
import { type TensorflowBackend, tensorflowBackend } from "../../../src/engine/tensorflow/backend";
import { gpuCount } from "../../../src/engine/tensorflow/device";
import { convolveMixed, multiplyMixed } from "../../../src/engine/tensorflow/mixed";
import { globalNorm } from "../../../src/engine/update";
import { Model, type ModelOptions } from "../../../src/model/model";
import { summaryOf } from "../../../src/model/summary";
import { Random } from "../../../src/random";
import { Adam } from "../../../src/train/adam";
import { applyGradients, batchGradients, type Examples } from "../../../src/train/step";
import { CASES, evaluate, inputsOf, lossWeights } from "../../conformance/cases";
import { skipOf } from "../../engines";

const skip = skipOf("tensorflow");

/** The most by which rounding to a significand of 8 bits changes a number, relative to it. */
const ROUNDING = 2 ** -8;

/** Two operands rounded, their exact products summed, and the sum rounded; float32's own rounding is left room for. */
function bound(sumOfMagnitudes: number, sum: number): number {
  const ofOperands = (2 * ROUNDING + ROUNDING ** 2) * sumOfMagnitudes;
  return 1.001 * (ofOperands + ROUNDING * (Math.abs(sum) + ofOperands));
}

/** One array of sums of products, with the sums of their magnitudes. */
class Sums {
  readonly values: Float64Array;
  readonly magnitudes: Float64Array;
  constructor(readonly size: number) {
    this.values = new Float64Array(size);
    this.magnitudes = new Float64Array(size);
  }
  add(index: number, product: number): void {
    this.values[index]! += product;
    this.magnitudes[index]! += Math.abs(product);
  }
  judge(tensor: Tensor, what: string): void {
    const actual = tensor.dataSync();
    assert.equal(actual.length, this.size, what);
    const words = new Uint32Array(Float32Array.from(actual).buffer);
    for (let index = 0; index < this.size; index++) {
      const error = Math.abs(actual[index]! - this.values[index]!);
      const most = bound(this.magnitudes[index]!, this.values[index]!);
      assert.ok(
        error <= most,
        `${what}[${index}]: ${actual[index]} for ${this.values[index]}, off by more than ${most}`,
      );
      // The lower half of a float32 that was a bfloat16.
      assert.equal(words[index]! & 0xffff, 0, `${what}[${index}] has more bits than a bfloat16`);
    }
  }
}

function normal(shape: number[], key: number): Tensor {
  const random = new Random(5, key);
  return tf.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.normal()),
    shape,
  );
}

test("a convolution and its gradients are those of float64 within bfloat16's rounding", { skip }, async () => {
  await selectEngine("tensorflow", { threads: 2, precision: "mixed" });
  for (const [B, L, Cin, Cout, K] of [
    [2, 40, 3, 5, 9],
    [1, 130, 16, 17, 51],
    [3, 7, 1, 2, 51],
  ] as const) {
    const [x, weight, dout] = [normal([B, L, Cin], 1), normal([Cout, Cin, K], 2), normal([B, L, Cout], 3)];
    const [xs, weights, douts] = [x, weight, dout].map((tensor) => tensor.dataSync());
    const [sums, dx, dweight] = [new Sums(B * L * Cout), new Sums(x.size), new Sums(weight.size)];
    for (let b = 0; b < B; b++)
      for (let l = 0; l < L; l++)
        for (let o = 0; o < Cout; o++)
          for (let i = 0; i < Cin; i++)
            for (let k = 0; k < K; k++) {
              const from = l + k - (K - 1) / 2;
              if (from < 0 || from >= L) continue;
              const [y, p, q] = [(b * L + l) * Cout + o, (b * L + from) * Cin + i, (o * Cin + i) * K + k];
              sums.add(y, xs![p]! * weights![q]!);
              dx.add(p, douts![y]! * weights![q]!);
              dweight.add(q, douts![y]! * xs![p]!);
            }
    sums.judge(convolveMixed(x as Tensor3D, weight as Tensor3D), "output");
    const loss = (a: Tensor, b: Tensor) =>
      tf.sum<Scalar>(tf.mul(convolveMixed(a as Tensor3D, b as Tensor3D), dout as Tensor3D));
    const [ofX, ofWeight] = tf.grads(loss)([x, weight]);
    dx.judge(ofX!, "gradient of x");
    dweight.judge(ofWeight!, "gradient of weight");
  }
});

test("a dense layer's product and its gradients are those of float64 within bfloat16's rounding", {
  skip,
}, async () => {
  await selectEngine("tensorflow", { threads: 2, precision: "mixed" });
  for (const [B, I, O] of [
    [3, 7, 5],
    [33, 700, 20],
  ] as const) {
    const [x, weight, dout] = [normal([B, I], 1), normal([O, I], 2), normal([B, O], 3)];
    const [xs, weights, douts] = [x, weight, dout].map((tensor) => tensor.dataSync());
    const [sums, dx, dweight] = [new Sums(B * O), new Sums(x.size), new Sums(weight.size)];
    for (let b = 0; b < B; b++)
      for (let o = 0; o < O; o++)
        for (let i = 0; i < I; i++) {
          sums.add(b * O + o, xs![b * I + i]! * weights![o * I + i]!);
          dx.add(b * I + i, douts![b * O + o]! * weights![o * I + i]!);
          dweight.add(o * I + i, douts![b * O + o]! * xs![b * I + i]!);
        }
    sums.judge(multiplyMixed(x as Tensor2D, weight as Tensor2D), "output");
    const loss = (a: Tensor, b: Tensor) =>
      tf.sum<Scalar>(tf.mul(multiplyMixed(a as Tensor2D, b as Tensor2D), dout as Tensor2D));
    const [ofX, ofWeight] = tf.grads(loss)([x, weight]);
    dx.judge(ofX!, "gradient of x");
    dweight.judge(ofWeight!, "gradient of weight");
  }
});

/** The length of a - b relative to that of b. */
function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [difference, whole] = [0, 0];
  for (let index = 0; index < b.length; index++) {
    difference += (a[index]! - b[index]!) ** 2;
    whole += b[index]! ** 2;
  }
  return Math.sqrt(difference / whole);
}

test("whole ops and their gradients stay near the double-precision references", { skip }, async (t) => {
  await selectEngine("tensorflow", { threads: 2, precision: "mixed" });
  for (const testCase of CASES.filter(({ name, size }) => size === "medium" && /^(convBlock|dense)/.test(name))) {
    await t.test(testCase.name, () => {
      const { reference, shapes } = testCase;
      const inputs = inputsOf(testCase);
      const expected = reference.forward(inputs, shapes);
      const weights = lossWeights(expected.length);
      const gradients = reference.backward(inputs, shapes, weights);
      const actual = evaluate(testCase, inputs, weights);
      // Three roundings, each of a third of 2^-8 or less on average.
      const ofOutput = distance(actual.output, expected);
      assert.ok(ofOutput > 1e-5 && ofOutput <= 2 * ROUNDING, `output: ${ofOutput}`);
      // Where two neighbours, or a value and zero, are nearer than a rounding, max pooling and ReLU choose otherwise: about
      // one in 2^8 elements of the gradient is then another. Of the sums of them, that make the gradients of weight and
      // bias, the norm leaves a small part.
      const isCancelled = (name: string): boolean => name === "weight" || name === "bias";
      for (const [name, gradient] of Object.entries(gradients)) {
        const ofGradient = distance(actual.gradients[name]!, gradient);
        const most = isCancelled(name) && testCase.name.startsWith("conv") ? 0.2 : Math.sqrt(2 * ROUNDING);
        assert.ok(ofGradient <= most, `gradient of ${name}: ${ofGradient}`);
      }
    });
  }
});

const CLASSES = new Map([
  ["dnu", 11],
  ["q", 3],
] as const) as ModelOptions["classes"];
const POINTS = 300;

function network(): Model {
  const sizes = { filters: [4, 6, 8], kernelSize: 51, lstmUnits: [12, 16], denseUnits: 10, dropout: 0.25 };
  return new Model({ classes: CLASSES, shape: POINTS, ...sizes, posEnc: false, summary: 8, seed: 3 } as ModelOptions);
}

function examples(size: number): Examples {
  const random = new Random(8, size);
  const spectra = Float32Array.from({ length: size * POINTS }, () => -Math.log(random.uniform()) + 1e-3);
  const counts = [...CLASSES.values()];
  const targets = Int32Array.from({ length: size * counts.length }, (_, i) =>
    random.integer(counts[i % counts.length]!),
  );
  return { spectra, targets, size };
}

function step(model: Model, optimizer: Adam, index: number): number[] {
  const training = { seed: 1, step: index };
  const { loss, tensors } = batchGradients(model, "sparse_categorical_crossentropy", examples(8), training);
  const value = { learningRate: 1e-3, beta1: 0.9 } as Parameters<typeof applyGradients>[2]["value"];
  return [loss, applyGradients(optimizer, tensors, { value, clipNorm: 1, divisor: 1 })];
}

test("float32 is not changed by a single bit, before or after mixed precision", { skip }, async () => {
  const trained = async (precision: "float32" | "mixed") => {
    await selectEngine("tensorflow", { threads: 2, precision });
    const model = network();
    const optimizer = new Adam(model.parameters);
    const numbers = [0, 1, 2].flatMap((index) => step(model, optimizer, index));
    return { numbers, weights: [...model.stateDict().values()].map(({ data }) => data) };
  };
  const before = await trained("float32");
  const mixed = await trained("mixed");
  assert.deepEqual(await trained("float32"), before);
  assert.notDeepEqual(mixed.numbers, before.numbers);
  for (const [index, number] of before.numbers.entries()) {
    assert.ok(Math.abs(mixed.numbers[index]! / number - 1) < 0.05, `${mixed.numbers[index]} for ${number}`);
  }
});

test("what is selected without a precision is float32", { skip }, async () => {
  await selectEngine("tensorflow", { threads: 2, precision: "mixed" });
  const model = network();
  const logits = () => model.forward(tf.tensor2d(examples(3).spectra, [3, POINTS])).map((head) => head.dataSync());
  const mixed = logits();
  const engine = await selectEngine("tensorflow", { threads: 2 });
  assert.equal(engine.precision, "float32");
  assert.notDeepEqual(logits(), mixed);
  assert.ok(!engine.describe().includes("mixed"));
});

test("logits, band means and the loss have more bits than bfloat16", { skip }, async () => {
  await selectEngine("tensorflow", { threads: 2, precision: "mixed" });
  const isFiner = (tensor: Tensor): boolean =>
    [...new Uint32Array(Float32Array.from(tensor.dataSync()).buffer)].some((word) => (word & 0xffff) !== 0);
  const model = network();
  const x = tf.tensor2d(examples(3).spectra, [3, POINTS]);
  for (const head of model.forward(x)) assert.ok(isFiner(head));
  const means = tf.ones([2, POINTS]) as Tensor2D;
  const mixed = summaryOf(x, means).dataSync();
  await selectEngine("tensorflow", { threads: 2 });
  assert.deepEqual(summaryOf(x, means).dataSync(), mixed);
});

/** Follows the binding's handles until the test ends; an op named `failing` runs out of memory. */
function liveHandles(t: TestContext, failing?: string): Set<number> {
  const backend = tensorflowBackend() as { binding: TensorflowBackend["binding"] };
  const { binding } = backend;
  const alive = new Set<number>();
  backend.binding = Object.create(binding, {
    executeOp: {
      value: (name: string, ...rest: Tail<Parameters<typeof binding.executeOp>>) => {
        if (name === failing) throw new Error("Invalid TF_Status: 8\nMessage: OOM when allocating tensor");
        const results = binding.executeOp(name, ...rest);
        for (const { id } of results) alive.add(id);
        return results;
      },
    },
    createTensor: {
      value: (...args: Parameters<typeof binding.createTensor>) => {
        const id = binding.createTensor(...args);
        alive.add(id);
        return id;
      },
    },
    deleteTensor: {
      value: (id: number) => {
        alive.delete(id);
        binding.deleteTensor(id);
      },
    },
  }) as typeof binding;
  t.after(() => {
    backend.binding = binding;
  });
  return alive;
}

type Tail<List extends unknown[]> = List extends [unknown, ...infer Rest] ? Rest : never;

test("no handle and no tensor is left over from a step", { skip }, async (t) => {
  await selectEngine("tensorflow", { threads: 2, precision: "mixed" });
  const model = network();
  const optimizer = new Adam(model.parameters);
  const alive = liveHandles(t);
  step(model, optimizer, 0);
  const [handles, tensors] = [alive.size, tf.memory().numTensors];
  assert.ok(handles > 0); // parameters and moments
  step(model, optimizer, 1);
  assert.deepEqual([alive.size, tf.memory().numTensors], [handles, tensors]);
});

test("an op that runs out of memory frees what was made for it", { skip }, async (t) => {
  await selectEngine("tensorflow", { threads: 2, precision: "mixed" });
  const alive = liveHandles(t, "MatMul");
  const [x, weight] = [tf.ones([2, 3]), tf.ones([4, 3])] as [Tensor2D, Tensor2D];
  assert.throws(() => multiplyMixed(x, weight), /OOM when allocating/);
  tf.dispose([x, weight]);
  assert.equal(alive.size, 0);
});

test("the norm of gradients reads float32 in either precision", { skip }, async () => {
  await selectEngine("tensorflow", { threads: 2, precision: "mixed" });
  assert.equal(globalNorm([tf.tensor1d([1 + 2 ** -20]), tf.tensor1d([0, 0])]), 1 + 2 ** -20);
});

test("where TensorFlow adds up in bfloat16, its sums are float32's all the same", { skip }, () => {
  // The kernels of a CPU without AVX-512: a weight's gradient, of a sum over many positions, would stop growing.
  const program = `
    const { selectEngine } = require("./src/engine"); const tf = require("@tensorflow/tfjs-core");
    const { convolveMixed } = require("./src/engine/tensorflow/mixed");
    selectEngine("tensorflow", { threads: 2, precision: "mixed" }).then(() => {
      const x = tf.fill([1, 70000, 1], 1 + 2 ** -9); // rounds to 1
      const gradient = tf.grad((weight) => tf.sum(convolveMixed(x, weight)))(tf.ones([1, 1, 1]));
      console.log(gradient.dataSync()[0], tf.memory().numTensors);
    })`;
  for (const oneDnn of ["0", "1"]) {
    const { stdout, stderr, status } = spawnSync(process.execPath, ["--require", "ts-node/register", "-e", program], {
      cwd: join(__dirname, "..", "..", ".."),
      encoding: "utf8",
      env: { ...process.env, TF_ENABLE_ONEDNN_OPTS: oneDnn },
    });
    assert.equal(status, 0, stderr);
    assert.equal(stdout.trim(), "70144 3", `oneDNN ${oneDnn}`); // 70000 in 8 bits; x, weight and gradient are left
  }
});

test("the engine says that it multiplies in mixed precision", { skip }, async () => {
  const engine = await selectEngine("tensorflow", { threads: 2, precision: "mixed" });
  assert.equal(engine.precision, "mixed");
  assert.match(engine.describe(), /^tensorflow \(TensorFlow 2\.\d+\.\d+, .*, mixed precision\): /);
});

test("engines that compute in float32 only refuse mixed precision", async () => {
  const text = (engine: string): string =>
    `Setting "precision" is "mixed": only the engine tensorflow computes so, engine is "${engine}"; set engine to tensorflow, or precision to float32`;
  for (const engine of ["native", "cpu"] as const) {
    const expected = { name: "ConfigError", message: text(engine) };
    assert.throws(() => parseConfig("default", { engine, precision: "mixed" }), expected);
    await selectEngine("cpu");
    await assert.rejects(selectEngine(engine, { precision: "mixed" }), expected);
  }
  assert.equal(parseConfig("default", { engine: "tensorflow", precision: "mixed" }).precision, "mixed");
  assert.equal(parseConfig("default").precision, "float32");
  assert.throws(() => parseConfig("default", { precision: "half" }), {
    name: "ConfigError",
    message: /^Setting "precision" is "half": Invalid option/,
  });
});

test("auto refuses mixed precision where it would not take tensorflow, and changes nothing", async (t) => {
  await selectEngine("cpu");
  if (gpuCount() > 0) return t.skip("a GPU is here");
  await assert.rejects(selectEngine("auto", { precision: "mixed" }), {
    name: "ConfigError",
    message:
      'Setting "precision" is "mixed": only the engine tensorflow computes so, and "auto" does not take it here (Cannot use the tensorflow engine: this machine has no GPU); set engine to tensorflow, or precision to float32',
  });
  assert.equal(tf.getBackend(), "cpu");
});
