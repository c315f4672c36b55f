import assert from "node:assert/strict";
import test from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { type Communicator, singleCommunicator } from "../../src/distributed";
import { GradientReducer, planBuckets } from "../../src/distributed/gradient-reducer";
import { selectEngine } from "../../src/engine";

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

for (const engine of ["native", "cpu"] as const) {
  test(`${engine}: gradients in any order leave in the plan's order, and come back as sums`, async () => {
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
