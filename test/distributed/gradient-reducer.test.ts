import assert from "node:assert/strict";
import test from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { type Communicator, singleCommunicator } from "../../src/distributed";
import { GradientReducer, planBuckets } from "../../src/distributed/gradient-reducer";
import { selectEngine } from "../../src/engine";
import { tensorflowBackend } from "../../src/engine/tensorflow/backend";
import { ENGINES, skipOf } from "../engines";

/** One of two equal ranks: doubles what it is given, and remembers in which order. */
function twin(): { comm: Communicator; sent: number[][] } {
  const sent: number[][] = [];
  const allreduceBucket: Communicator["allreduceBucket"] = async (arrays) => {
    sent.push(arrays.map(({ length }) => length));
    for (const array of arrays) for (let index = 0; index < array.length; index++) array[index]! *= 2;
  };
  return { comm: { ...singleCommunicator(), size: 2, allreduceBucket }, sent };
}

test("buckets go backwards through the parameters and close once they are full", () => {
  const sizes = new Map(Object.entries({ a: 5, b: 1, c: 4, d: 2, e: 9 }).map(([name, size]) => [name, { size }]));
  assert.deepEqual(planBuckets(sizes, 4 * 5), [["e"], ["d", "c"], ["b", "a"]]);
  assert.deepEqual(planBuckets(sizes, 1000), [["e", "d", "c", "b", "a"]]);
  assert.deepEqual(planBuckets(new Map(), 10), []);
});

for (const engine of ENGINES) {
  test(`${engine}: gradients in any order leave in the plan's order, and come back as sums`, {
    skip: skipOf(engine),
  }, async () => {
    await selectEngine(engine, { threads: 1 });
    const LARGE = 300_000;
    const parameters = new Map(
      [LARGE, 3, LARGE + 1, 2].map((size, index) => [`p${index}`, tf.variable(tf.zeros([size]))] as const),
    );
    const { comm, sent } = twin();
    const reducer = new GradientReducer(comm, parameters, false);
    for (let step = 1; step <= 2; step++) {
      const gradients = [...parameters.values()].map(({ size }, index) => tf.fill([size], step + index / 8));
      for (const index of [3, 0, 1, 2]) reducer.add(`p${index}`, gradients[index]!);
      const sums = await reducer.finish(gradients);
      assert.deepEqual(sent.splice(0), [
        [2, LARGE + 1],
        [3, LARGE],
      ]);
      sums.forEach((sum, index) => {
        assert.deepEqual([...new Set(sum.dataSync())], [2 * (step + index / 8)]);
        assert.deepEqual(sum.shape, gradients[index]!.shape);
      });
      tf.dispose(sums);
    }
    assert.ok(reducer.visibleSeconds >= 0 && reducer.hideableSeconds > 0);
    for (const variable of parameters.values()) variable.dispose();
  });
}

for (const engine of ENGINES) {
  test(`${engine}: gradients that share their memory are summed once each, whatever their buckets`, {
    skip: skipOf(engine),
  }, async () => {
    await selectEngine(engine, { threads: 1 });
    const SIZE = 300_000; // a bucket each, but for the last two
    const shapes = { weight: [SIZE], first: [1, SIZE], second: [SIZE, 1], third: [2, 2], fourth: [4] };
    const parameters = new Map(Object.entries(shapes).map(([name, shape]) => [name, tf.variable(tf.zeros(shape))]));
    const { comm } = twin();
    const reducer = new GradientReducer(comm, parameters, false);
    const before = tf.memory().numTensors;
    // The biases of an LSTM have one gradient between them; on native each op makes its own.
    const shared = tf.fill([SIZE], 3);
    const small = tf.tensor1d([1, 2, 3, 4]);
    const gradients = Object.values(shapes).map((shape) => {
      const gradient = tf.reshape(tf.util.sizeFromShape(shape) === 4 ? small : shared, shape);
      return engine === "native" ? tf.tensor(gradient.dataSync().slice(), shape) : gradient;
    });
    [...parameters.keys()].forEach((name, index) => {
      reducer.add(name, gradients[index]!);
    });
    const sums = await reducer.finish(gradients);
    for (const [index, shape] of Object.values(shapes).entries()) {
      assert.deepEqual(sums[index]!.shape, shape);
      const values = [...new Set(sums[index]!.dataSync())];
      assert.deepEqual(values, tf.util.sizeFromShape(shape) === 4 ? [2, 4, 6, 8] : [6]);
    }
    tf.dispose([...sums, shared, small]);
    if (engine !== "native") assert.equal(tf.memory().numTensors, before);
    for (const variable of parameters.values()) variable.dispose();
  });
}

test("tensorflow: gradients come from the device once a bucket, and go back once", {
  skip: skipOf("tensorflow"),
}, async (t) => {
  await selectEngine("tensorflow", { threads: 1 });
  const sizes = [300_000, 3, 400_000, 5, 6];
  const parameters = new Map(sizes.map((size, index) => [`p${index}`, tf.variable(tf.zeros([size]))] as const));
  const { comm, sent } = twin();
  const reducer = new GradientReducer(comm, parameters, false);
  const gradients = [...parameters.values()].map(({ size }) => tf.relu(tf.ones([size])));
  const backend = tensorflowBackend() as { binding: ReturnType<typeof tensorflowBackend>["binding"] };
  const { binding } = backend;
  const down: number[] = [];
  const up: number[] = [];
  backend.binding = Object.create(binding, {
    tensorDataSync: {
      value: (id: number) => {
        const values = binding.tensorDataSync(id);
        down.push(values.length);
        return values;
      },
    },
    createTensor: {
      value: (shape: number[], dtype: number, values: Int32Array) => {
        if (dtype === binding.TF_FLOAT) up.push(values.length);
        return binding.createTensor(shape, dtype, values);
      },
    },
  }) as typeof binding;
  t.after(() => {
    backend.binding = binding;
  });
  for (const index of [4, 3, 2, 1, 0]) reducer.add(`p${index}`, gradients[index]!);
  const sums = await reducer.finish(gradients);
  assert.deepEqual(sent, [
    [6, 5, 400_000],
    [3, 300_000],
  ]);
  assert.deepEqual(down, [400_011, 300_003]);
  assert.deepEqual(up, [400_011, 300_003]);
  assert.deepEqual([...new Set(sums[2]!.dataSync())], [2]);
});

test("of three ranks each sends two leaves; where one slice is empty, the only sum stands in its place", async () => {
  await selectEngine("native", { threads: 1 });
  const sent: number[][][] = [];
  const allreduceBucket: Communicator["allreduceBucket"] = async (_, __, leaves) => {
    sent.push(leaves!.map(([leaf]) => [...leaf!]));
  };
  const comm = { ...singleCommunicator(), size: 3, allreduceBucket };
  const parameters = new Map([["w", tf.variable(tf.zeros([2]))]]);
  const reducer = new GradientReducer(comm, parameters, false);
  for (const position of [0, 1] as const) {
    const gradient = tf.tensor1d([3, 4]);
    reducer.add("w", gradient, position);
    tf.dispose(await reducer.finish([gradient]));
  }
  const [only, empty] = [
    [3, 4],
    [0, 0],
  ];
  assert.deepEqual(sent, [
    [only, empty],
    [empty, only],
  ]);
});

test("an error of the communicator is thrown when the step is finished", async () => {
  await selectEngine("native", { threads: 1 });
  const comm: Communicator = {
    ...singleCommunicator(),
    allreduceBucket: () => Promise.reject(new Error("the wire is cut")),
  };
  const parameters = new Map([["w", tf.variable(tf.zeros([2]))]]);
  const reducer = new GradientReducer(comm, parameters, false);
  const gradient = tf.ones([2]);
  reducer.add("w", gradient);
  await assert.rejects(reducer.finish([gradient]), { message: "the wire is cut" });
});
