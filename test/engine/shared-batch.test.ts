/** What training on ranks asks of the engine: masks and losses of a batch's parts, and gradients shown as they are made. */

import assert from "node:assert/strict";
import test from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { selectEngine } from "../../src/engine";
import { ownMemory, tapGradient } from "../../src/engine/gradient-tap";
import { convBlock, dropout, headsCrossEntropy } from "../../src/engine/ops";
import { assertClose } from "../assert-close";
import { ENGINES, skipOf } from "../engines";

for (const engine of ENGINES) {
  test(`${engine}: the masks of a batch's parts are the parts of its mask`, { skip: skipOf(engine) }, async () => {
    await selectEngine(engine, { threads: 1 });
    const key = { seed: 7, step: 3, layer: 2 };
    tf.tidy(() => {
      const whole = dropout(tf.ones([7, 5, 11]), 0.4, key).dataSync();
      const parts = [
        [0, 3],
        [3, 4],
        [4, 7],
      ].flatMap(([first, last]) => [
        ...dropout(tf.ones([last! - first!, 5, 11]), 0.4, { ...key, firstRow: first! }).dataSync(),
      ]);
      assert.deepEqual(parts, [...whole]);
      assert.ok(parts.includes(0) && new Set(parts).size === 2);
    });
  });

  test(`${engine}: what parts of a batch add to the loss are its parts, and so are their gradients`, {
    skip: skipOf(engine),
  }, async () => {
    await selectEngine(engine, { threads: 1 });
    tf.tidy(() => {
      const ROWS = 5;
      const heads = [7, 3].map((classes, head) => tf.randomNormal<tf.Rank.R2>([ROWS, classes], 0, 1, "float32", head));
      const labels = tf.tensor2d([6, 0, 0, 1, 3, 2, 2, 2, 5, 1], [ROWS, heads.length], "int32");
      const lossOf = (first: number, size: number) => {
        const rows = <T extends tf.Tensor2D>(all: T): T => tf.slice(all, [first, 0], [size, -1]) as T;
        const evaluate = (...logits: tf.Tensor[]) => headsCrossEntropy(logits as tf.Tensor2D[], rows(labels), ROWS);
        const { value, grads } = tf.valueAndGrads(evaluate)(heads.map(rows));
        return { value: value.dataSync()[0]!, gradients: grads.map((gradient) => [...gradient.dataSync()]) };
      };
      const [whole, above, below] = [lossOf(0, ROWS), lossOf(0, 2), lossOf(2, 3)];
      assertClose(whole.value, headsCrossEntropy(heads, labels).dataSync(), { rtol: 1e-6 });
      assertClose(above.value + below.value, whole.value, { rtol: 1e-6 });
      for (const [head, gradient] of whole.gradients.entries()) {
        assertClose([...above.gradients[head]!, ...below.gradients[head]!], gradient, { rtol: 1e-5, atol: 1e-7 });
      }
    });
  });

  test(`${engine}: a tap hears each gradient when it is made, and changes nothing`, {
    skip: skipOf(engine),
  }, async () => {
    await selectEngine(engine, { threads: 1 });
    const [w, v] = [tf.variable(tf.tensor1d([1, 2])), tf.variable(tf.tensor1d([3, 4]))];
    const heard: { name: string; values: number[] }[] = [];
    const note = (name: string) => (gradient: tf.Tensor) => heard.push({ name, values: [...gradient.dataSync()] });
    const before = tf.memory().numTensors;
    const { grads } = tf.variableGrads(
      () => tf.sum(tf.mul(tf.square(tapGradient(w, note("w"))), tapGradient(v, note("v")))),
      [w, v],
    );
    // d/dw = 2 w v, d/dv = w^2; the product's gradients come before those of the square.
    assert.deepEqual([...grads[w.name]!.dataSync()], [6, 16]);
    assert.deepEqual([...grads[v.name]!.dataSync()], [1, 4]);
    assert.deepEqual(heard, [
      { name: "v", values: [1, 4] },
      { name: "w", values: [6, 16] },
    ]);
    tf.dispose(grads);
    assert.ok(tf.memory().numTensors <= before + 1); // the loss
    assert.equal(ownMemory(w) !== null, engine === "native");
    tf.dispose([w, v]);
  });
}

test("native: a sample's convolution block is the same to the last bit in any batch of eight and more", async () => {
  await selectEngine("native", { threads: 2 });
  // The stages of a compact network, whose tilings differ; the last has an odd number of tiles.
  for (const [length, cin, cout] of [
    [1322, 8, 16],
    [441, 16, 32],
    [147, 32, 64],
  ] as const) {
    tf.tidy(() => {
      const x = tf.randomNormal<tf.Rank.R3>([24, length, cin], 0, 1, "float32", 1);
      const parameters = {
        weight: tf.randomNormal<tf.Rank.R3>([cout, cin, 51], 0, 0.05, "float32", 2),
        bias: tf.zeros<tf.Rank.R1>([cout]),
        scale: tf.ones<tf.Rank.R1>([cout]),
        shift: tf.zeros<tf.Rank.R1>([cout]),
      };
      const whole = convBlock(x, parameters).dataSync();
      for (const [first, last] of [
        [0, 8],
        [8, 24],
        [14, 24],
      ] as const) {
        const part = convBlock(tf.slice(x, [first, 0, 0], [last - first, -1, -1]), parameters).dataSync();
        const perRow = whole.length / 24;
        assert.deepEqual(
          part,
          whole.slice(first * perRow, last * perRow),
          `${length} points, rows ${first} to ${last}`,
        );
      }
    });
  }
});
