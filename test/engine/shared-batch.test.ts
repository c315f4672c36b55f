/** What training on ranks asks of the engine: masks of a batch's parts, and gradients shown as they are made. */

import assert from "node:assert/strict";
import test from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { selectEngine } from "../../src/engine";
import { ownMemory, tapGradient } from "../../src/engine/gradient-tap";
import { convBlock, dropout } from "../../src/engine/ops";

for (const engine of ["native", "cpu"] as const) {
  test(`${engine}: the masks of a batch's parts are the parts of its mask`, async () => {
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

  test(`${engine}: a tap hears each gradient when it is made, and changes nothing`, async () => {
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
