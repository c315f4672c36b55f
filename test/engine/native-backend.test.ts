/** The tfjs backend `native` as a host: memory, what readers hold, stock kernels. */

import assert from "node:assert/strict";
import test, { before } from "node:test";
import type { Tensor2D, Tensor3D } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { engineStatistics, resetEngineStatistics, selectEngine } from "../../src/engine";
import { type NativeBackend, nativeBackend } from "../../src/engine/native/backend";
import * as ops from "../../src/engine/ops";
import { assertClose } from "../assert-close";

const key = { seed: 1, step: 1, layer: 1 };
let backend: NativeBackend;

before(async () => {
  await selectEngine("native", { threads: 2 });
  tf.env().set("IS_TEST", true); // tfjs then checks every kernel for leaked data
  backend = nativeBackend();
});

test("an array that was read stays as it was, whatever runs afterwards", async () => {
  const x = tf.fill([40_000], 2);
  const y = ops.logPower(x);
  const held = y.dataSync() as Float32Array;
  const copy = held.slice();
  const z = ops.dropout(x, 0.5, key);
  const heldAsync = (await z.data()) as Float32Array;
  const copyAsync = heldAsync.slice();
  tf.dispose([y, z]);
  for (let i = 0; i < 5; i++) ops.dropout(x, 0.3, { ...key, step: i }).dispose();
  assert.deepEqual(held, copy);
  assert.deepEqual(heldAsync, copyAsync);
});

test("an array that nobody read is used again", () => {
  const x = tf.fill([40_000], 2);
  ops.logPower(x).dispose();
  const before = backend.pool.statistics();
  ops.logPower(x).dispose();
  const after = backend.pool.statistics();
  assert.equal(after.taken, before.taken + 1);
  assert.equal(after.allocated, before.allocated);
});

test("what a stock kernel has seen is not used again", () => {
  const x = tf.fill([40_000], 2);
  const y = ops.logPower(x);
  const part = tf.slice(y as tf.Tensor1D, [10], [5]); // may be a view of the same memory
  y.dispose();
  for (let i = 0; i < 5; i++) ops.dropout(x, 0.3, { ...key, step: i }).dispose();
  assertClose(part.dataSync(), Array(5).fill(Math.log(2)), { rtol: 1e-6 });
});

test("a clone or a reshape keeps the memory alive", () => {
  const x = tf.fill([200, 200], 2);
  const y = ops.logPower(x);
  const other = tf.reshape(y, [40_000]);
  y.dispose();
  for (let i = 0; i < 5; i++) ops.dropout(x, 0.3, { ...key, step: i }).dispose();
  assertClose(other.dataSync(), new Float32Array(40_000).fill(Math.log(2)), { rtol: 1e-6 });
});

test("a hundred steps of every op leave the number of tensors, bytes and blocks as they were", () => {
  const variables = [
    tf.variable(tf.randomNormal([8, 1, 7], 0, 1, "float32", 1)),
    tf.variable(tf.zeros([8])),
    tf.variable(tf.ones([8])),
    tf.variable(tf.zeros([8])),
    tf.variable(tf.randomNormal([48, 8], 0, 0.3, "float32", 2)),
    tf.variable(tf.randomNormal([48, 12], 0, 0.3, "float32", 3)),
    tf.variable(tf.zeros([48])),
    tf.variable(tf.zeros([48])),
    tf.variable(tf.randomNormal([10, 34 * 12], 0, 0.1, "float32", 4)),
    tf.variable(tf.zeros([10])),
  ] as const;
  const x = tf.fill([16, 100, 1], 2) as Tensor3D;
  const labels = tf.zeros([16, 1], "int32") as Tensor2D;
  const loss = (step: number) => {
    const [weight, bias, scale, shift, weightIh, weightHh, biasIh, biasHh, weightOut, biasOut] =
      variables as unknown as tf.Tensor[];
    let h = ops.convBlock(ops.logPower(x), { weight, bias, scale, shift } as unknown as ops.ConvBlockParameters);
    h = ops.dropout(h, 0.2, { ...key, step });
    h = ops.lstm(h, { weightIh, weightHh, biasIh, biasHh } as unknown as ops.LstmParameters);
    const logits = ops.dense(tf.reshape(h, [16, -1]) as Tensor2D, weightOut as Tensor2D, biasOut as tf.Tensor1D);
    return ops.headsCrossEntropy([logits], labels);
  };
  const step = (index: number): void => {
    const { value, grads } = tf.variableGrads(() => loss(index), variables as unknown as tf.Variable[]);
    value.dataSync();
    tf.dispose(grads);
    value.dispose();
  };
  step(0);
  step(1);
  const memory = tf.memory();
  const pool = backend.pool.statistics();
  for (let index = 2; index < 102; index++) step(index);
  const { numTensors, numDataBuffers, numBytes } = tf.memory();
  assert.deepEqual(
    { numTensors, numDataBuffers, numBytes },
    { numTensors: memory.numTensors, numDataBuffers: memory.numDataBuffers, numBytes: memory.numBytes },
  );
  const { bytesInUse, allocated } = backend.pool.statistics();
  assert.deepEqual({ bytesInUse, allocated }, { bytesInUse: pool.bytesInUse, allocated: pool.allocated });
});

test("frozen parameters do not leak their gradients", () => {
  const x = tf.fill([4, 100, 1], 2) as Tensor3D;
  const weight = tf.variable(tf.ones([40, 1, 51])) as unknown as Tensor3D;
  const frozen = { bias: tf.zeros([40]), scale: tf.ones([40]), shift: tf.zeros([40]) } as unknown as {
    bias: tf.Tensor1D;
    scale: tf.Tensor1D;
    shift: tf.Tensor1D;
  };
  const step = (): void => {
    const { value, grads } = tf.variableGrads(
      () => tf.sum(ops.convBlock(x, { weight, ...frozen })) as tf.Scalar,
      [weight as unknown as tf.Variable],
    );
    tf.dispose([value, ...Object.values(grads)]);
  };
  step();
  step();
  const { numDataIds, inUse } = { numDataIds: backend.numDataIds(), inUse: backend.pool.statistics().bytesInUse };
  for (let i = 0; i < 20; i++) step();
  assert.equal(backend.numDataIds(), numDataIds);
  assert.equal(backend.pool.statistics().bytesInUse, inUse);
});

test("without a tape nothing is kept for a backward", () => {
  const x = tf.fill([4, 1000, 1], 2) as Tensor3D;
  const weights = { weight: tf.ones([40, 1, 51]), bias: tf.zeros([40]), scale: tf.ones([40]), shift: tf.zeros([40]) };
  const before = backend.pool.statistics().bytesInUse;
  const y = ops.convBlock(x, weights as unknown as ops.ConvBlockParameters);
  assert.ok(backend.pool.statistics().bytesInUse - before <= 1.125 * 4 * y.size);
  y.dispose();
});

test("what was kept for a backward that never comes is given back with the output", () => {
  const x = tf.fill([4, 1000, 1], 2) as Tensor3D;
  const weights = { weight: tf.ones([40, 1, 51]), bias: tf.zeros([40]), scale: tf.ones([40]), shift: tf.zeros([40]) };
  const variable = tf.variable(tf.scalar(1));
  const step = (): void => {
    const { value, grads } = tf.variableGrads(() => {
      ops.convBlock(x, weights as unknown as ops.ConvBlockParameters); // leads nowhere
      return tf.square(variable) as tf.Scalar;
    });
    tf.dispose([value, ...Object.values(grads)]);
  };
  step();
  const { bytesInUse } = backend.pool.statistics();
  for (let i = 0; i < 5; i++) step();
  assert.equal(backend.pool.statistics().bytesInUse, bytesInUse);
});

test("an output cannot be differentiated twice", () => {
  const x = tf.fill([2, 3, 4], 0.5) as Tensor3D;
  const p = { weightIh: tf.ones([4, 4]), weightHh: tf.ones([4, 1]), biasIh: tf.zeros([4]), biasHh: tf.zeros([4]) };
  const y = ops.lstm(x, p as unknown as ops.LstmParameters);
  assert.throws(() => backend.savedWith(y, 5), { message: /^Cannot differentiate a native op's output twice/ });
});

test("stock kernels run, are right, and are counted; reshapes and our own kernels are not", () => {
  resetEngineStatistics();
  const a = tf.tensor2d([1, 2, 3, 4], [2, 2]);
  const shaped = tf.expandDims(tf.reshape(tf.clone(a), [4]), 0);
  const sum = tf.add(shaped, tf.tensor1d([1, 1, 1, 1]));
  const product = tf.mul(sum, 2);
  assert.deepEqual([...engineStatistics().fallbacks.keys()], []);
  assertClose(product.dataSync(), [4, 6, 8, 10]);
  assertClose(tf.matMul(a, a).dataSync(), [7, 10, 15, 22]);
  assertClose(tf.add(a, tf.tensor2d([[1], [2]])).dataSync(), [2, 3, 5, 6]);
  assertClose(tf.mul(a, a).dataSync(), [1, 4, 9, 16]);
  assertClose(tf.mul(a, Number.POSITIVE_INFINITY).dataSync(), Array(4).fill(Number.POSITIVE_INFINITY));
  const { fallbacks, ops: profile } = engineStatistics();
  assert.deepEqual(
    [...fallbacks].map(([name, { calls }]) => [name, calls]),
    [
      ["BatchMatMul", 1],
      ["Add", 1],
      ["Multiply", 2],
    ],
  );
  assert.equal(profile.get("add")?.calls, 1);
  assert.equal(profile.get("scale")?.calls, 1);
});

test("matrices are joined and parted column by column without a stock kernel, gradients included", () => {
  const columns = (first: number, count: number) =>
    tf.tensor2d(
      Array.from({ length: 5 }, (_, row) => Array.from({ length: count }, (_, column) => 100 * row + first + column)),
    );
  const [a, b, c] = [columns(0, 7), columns(7, 1), columns(8, 3)];
  const whole = columns(0, 11);
  resetEngineStatistics();
  assert.deepEqual(tf.concat2d([a, b, c], 1).arraySync(), whole.arraySync());
  assert.deepEqual(
    tf.split(whole, [7, 1, 3], -1).map((part) => part.arraySync()),
    [a, b, c].map((part) => part.arraySync()),
  );
  const gradients = tf.grads((...parts) => tf.concat2d(parts as tf.Tensor2D[], 1))([a, b, c], whole);
  assert.deepEqual(
    gradients.map((part) => part.arraySync()),
    [a, b, c].map((part) => part.arraySync()),
  );
  assert.deepEqual([...engineStatistics().fallbacks.keys()], []);
  assert.deepEqual(tf.concat2d([a, a], 0).shape, [10, 7]);
  assert.deepEqual(tf.split(tf.ones([4, 6]), 3, 1).length, 3);
  assert.ok(engineStatistics().fallbacks.size > 0, "rows and equal parts are left to the stock kernels");
});

test("tensors of another backend are taken over", async () => {
  await selectEngine("cpu");
  const x = tf.tensor1d([1, Math.E]);
  await selectEngine("native", { threads: 2 });
  assertClose(ops.logPower(x).dataSync(), [0, 1], { atol: 1e-7 });
});

test("tf.memory reports the pool and the workspace", () => {
  const memory = tf.memory() as unknown as ReturnType<NativeBackend["memory"]>;
  assert.equal(memory.unreliable, false);
  assert.ok(memory.pool.highestBytesInUse > 0 && memory.workspaceBytes > 0);
});

test("native ops outside the native backend are an error", async () => {
  await selectEngine("cpu");
  assert.throws(() => nativeBackend(), {
    message: "Cannot run a native op: the tfjs backend must be native, it is cpu",
  });
  await selectEngine("native", { threads: 2 });
});
