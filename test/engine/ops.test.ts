import assert from "node:assert/strict";
import test from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { selectEngine } from "../../src/engine";
import * as ops from "../../src/engine/ops";
import { ENGINES, skipOf } from "../engines";

type Any = never; // shapes under test are wrong on purpose

for (const engine of ENGINES) {
  test(`${engine}: shapes that do not fit together are refused with the shape that is needed`, {
    skip: skipOf(engine),
  }, async () => {
    await selectEngine(engine);
    const x = tf.zeros([2, 9, 3]) as Any;
    const block = { weight: tf.zeros([4, 3, 5]), bias: tf.zeros([4]), scale: tf.zeros([4]), shift: tf.zeros([4]) };
    const cell = {
      weightIh: tf.zeros([8, 3]),
      weightHh: tf.zeros([8, 2]),
      biasIh: tf.zeros([8]),
      biasHh: tf.zeros([8]),
    };
    const table: [() => unknown, string][] = [
      [
        () => ops.convBlock(tf.zeros([2, 9]) as Any, block as Any),
        "convBlock: x has shape [2, 9], expected [B, L, Cin]",
      ],
      [
        () => ops.convBlock(x, { ...block, weight: tf.zeros([4, 2, 5]) } as Any),
        "convBlock: weight has shape [4, 2, 5], expected [Cout = 4, Cin = 3, K]",
      ],
      [
        () => ops.convBlock(x, { ...block, shift: tf.zeros([5]) } as Any),
        "convBlock: shift has shape [5], expected [Cout = 4]",
      ],
      [
        () => ops.convBlock(x, { ...block, weight: tf.zeros([4, 3, 4]) } as Any),
        "convBlock: the kernel must have an odd number of taps, got 4",
      ],
      [() => ops.convBlock(tf.zeros([0, 9, 3]) as Any, block as Any), "convBlock: x is empty, its shape is [0, 9, 3]"],
      [
        () => ops.lstm(x, { ...cell, weightHh: tf.zeros([8, 3]) } as Any),
        "lstm: weightHh has shape [8, 3], expected [4 H, H]",
      ],
      [() => ops.lstm(x, { ...cell, biasHh: tf.zeros([4]) } as Any), "lstm: biasHh has shape [4], expected [G = 8]"],
      [
        () => ops.dense(tf.zeros([2, 3]) as Any, tf.zeros([4, 5]) as Any, tf.zeros([4]) as Any),
        "dense: weight has shape [4, 5], expected [O = 4, I = 3]",
      ],
      [
        () => ops.dropout(tf.zeros([2]), 1, { seed: 1, step: 1, layer: 1 }),
        "dropout: the rate must be in [0, 1), got 1",
      ],
      [
        () => ops.dropout(tf.zeros([2]), Number.NaN, { seed: 1, step: 1, layer: 1 }),
        "dropout: the rate must be in [0, 1), got NaN",
      ],
      [
        () => ops.headsCrossEntropy([], tf.zeros([2, 1], "int32") as Any),
        "headsCrossEntropy: there must be at least one head, got none",
      ],
      [
        () =>
          ops.headsCrossEntropy([tf.zeros([2, 3]) as Any, tf.zeros([3, 3]) as Any], tf.zeros([2, 2], "int32") as Any),
        "headsCrossEntropy: logits[1] has shape [3, 3], expected [B = 2, classes of head 1]",
      ],
      [
        () => ops.headsCrossEntropy([tf.zeros([2, 3]) as Any], tf.zeros([2, 2], "int32") as Any),
        "headsCrossEntropy: labels has shape [2, 2], expected [B = 2, heads = 1]",
      ],
    ];
    for (const [run, message] of table) assert.throws(run, { name: "RangeError", message: `Cannot run ${message}` });
  });

  test(`${engine}: tensors of a wrong type are refused`, { skip: skipOf(engine) }, async () => {
    await selectEngine(engine);
    const integers = tf.zeros([2, 3], "int32") as Any;
    const key = { seed: 1, step: 1, layer: 1 };
    const table: [() => unknown, string][] = [
      [() => ops.logPower(integers), "logPower: x must be float32, got int32"],
      [() => ops.dropout(integers, 0.1, key), "dropout: x must be float32, got int32"],
      [() => ops.dense(integers, tf.zeros([4, 3]) as Any, tf.zeros([4]) as Any), "dense: x must be float32, got int32"],
      [
        () => ops.headsCrossEntropy([tf.zeros([2, 3]) as Any], tf.zeros([2, 1]) as Any),
        "headsCrossEntropy: labels must be int32, got float32",
      ],
    ];
    for (const [run, message] of table) assert.throws(run, { name: "TypeError", message: `Cannot run ${message}` });
  });

  test(`${engine}: a dropout of rate 0 gives a tensor of its own with the same values`, {
    skip: skipOf(engine),
  }, async () => {
    await selectEngine(engine);
    const x = tf.tensor1d([1, 2, 3]);
    const y = ops.dropout(x, 0, { seed: 1, step: 1, layer: 1 });
    x.dispose();
    assert.deepEqual(Array.from(y.dataSync()), [1, 2, 3]);
  });

  test(`${engine}: the caller's arrays are not changed`, { skip: skipOf(engine) }, async () => {
    await selectEngine(engine);
    const values = Float32Array.from({ length: 300 }, (_, i) => 1 + (i % 7));
    const before = values.slice();
    const x = tf.tensor3d(values, [2, 150, 1]);
    tf.grad((x) =>
      tf.sum(
        ops.convBlock(
          ops.logPower(x) as Any,
          {
            weight: tf.ones([3, 1, 5]),
            bias: tf.zeros([3]),
            scale: tf.ones([3]),
            shift: tf.zeros([3]),
          } as Any,
        ),
      ),
    )(x).dispose();
    assert.deepEqual(values, before);
  });
}
