/** What training on ranks asks of the engine: masks of a batch's parts, and gradients shown as they are made. */

import assert from "node:assert/strict";
import test from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { selectEngine } from "../../src/engine";
import { ownMemory, tapGradient } from "../../src/engine/gradient-tap";
import { dropout } from "../../src/engine/ops";

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
