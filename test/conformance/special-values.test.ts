/** Ties, NaN, infinities and dead channels: PyTorch's answers, on every engine. */

import assert from "node:assert/strict";
import test from "node:test";
import type { Scalar, Tensor1D, Tensor2D, Tensor3D } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { selectEngine } from "../../src/engine";
import * as ops from "../../src/engine/ops";
import { assertClose } from "../assert-close";
import { ENGINES, skipOf } from "../engines";

/** A block of one tap that only scales: what comes before the norm is x itself. */
function unitBlock(x: Tensor3D, scale: Tensor1D = tf.tensor1d([2]), shift: Tensor1D = tf.tensor1d([0.5])): Tensor3D {
  return ops.convBlock(x, { weight: tf.ones([1, 1, 1]), bias: tf.zeros([1]), scale, shift });
}

for (const engine of ENGINES) {
  test(`${engine}: the first of equal maxima receives the gradient`, { skip: skipOf(engine) }, async () => {
    await selectEngine(engine);
    // PyTorch 2.13, float64: avg_pool1d(max_pool1d(group_norm(relu(x), 1, [2], [0.5]), 3, 1, 1), 3, padding=1),
    // loss = sum(y * [1, 2, -3, 4]).
    const x = tf.tensor3d([3, 3, 1, 0, -1, -2, 0, 5, 5, 5], [1, 10, 1]);
    const weights = tf.tensor3d([1, 2, -3, 4], [1, 4, 1]);
    assertClose(
      unitBlock(x).dataSync(),
      [0.8328452184668033, -0.31170681334188904, 1.5614627559086236, 2.0816249313004787],
      { rtol: 1e-6 },
    );
    const [dx, dscale] = tf.grads((x, scale) =>
      tf.sum<Scalar>(tf.mul(unitBlock(x as Tensor3D, scale as Tensor1D), weights)),
    )([x, tf.tensor1d([2])]);
    assertClose(
      dx!.dataSync(),
      [
        0.35875041553553205, 0.35875041553553205, 0.4765078933740631, 0, 0, 0, 0, -1.0077867751366743,
        0.8653827941138386, -0.3833969187198366,
      ],
      { rtol: 1e-5, atol: 1e-7 },
    );
    assertClose(dscale!.dataSync(), [1.3424381912962], { rtol: 1e-6 });
  });

  test(`${engine}: a NaN in a spectrum makes its row NaN and no other`, { skip: skipOf(engine) }, async () => {
    await selectEngine(engine);
    for (const length of [60, 3000]) {
      const values = Float32Array.from({ length: 3 * length }, (_, i) => Math.sin(i));
      values[length + 20] = Number.NaN;
      const kernel = Float32Array.from({ length: 5 * 51 }, (_, i) => Math.cos(i));
      const out = ops
        .convBlock(tf.tensor3d(values, [3, length, 1]), {
          weight: tf.tensor3d(kernel, [5, 1, 51]),
          bias: tf.zeros([5]),
          scale: tf.ones([5]),
          shift: tf.zeros([5]),
        })
        .dataSync();
      const perRow = out.length / 3;
      out.forEach((value, i) => {
        assert.equal(Number.isNaN(value), Math.floor(i / perRow) === 1, `length ${length}, element ${i} is ${value}`);
      });
    }
  });

  test(`${engine}: a channel that ReLU silences gives its shift and no gradient`, {
    skip: skipOf(engine),
  }, async () => {
    await selectEngine(engine);
    const x = tf.tensor3d([1, -4, 2, 3, -1, 2], [1, 6, 1]);
    const silent = (x: Tensor3D): Tensor3D =>
      ops.convBlock(x, {
        weight: tf.ones([1, 1, 1]),
        bias: tf.tensor1d([-9]),
        scale: tf.tensor1d([2]),
        shift: tf.tensor1d([3]),
      });
    // At the border one of three cells is padding: 2 / 3 of the shift.
    assertClose(silent(x).dataSync(), [2, 3], { rtol: 1e-6 });
    assert.deepEqual(
      Array.from(
        tf
          .grad((x) => tf.sum(silent(x as Tensor3D)))(x)
          .dataSync(),
      ),
      [0, 0, 0, 0, 0, 0],
    );
  });

  test(`${engine}: the logarithm of zero, negative, subnormal and infinite powers`, {
    skip: skipOf(engine),
  }, async () => {
    await selectEngine(engine);
    // torch.log of the same values.
    // TensorFlow takes subnormal numbers for zeros or not, as the device likes; spectra have none.
    const subnormal = engine === "tensorflow" ? [] : [1e-40];
    const powers = [0, -1, 1, Number.POSITIVE_INFINITY, Number.NaN, ...subnormal];
    const infinity = Number.POSITIVE_INFINITY;
    const expected = [-infinity, Number.NaN, 0, infinity, Number.NaN, -92.10340881347656].slice(0, powers.length);
    assertClose(ops.logPower(tf.tensor1d(powers)).dataSync(), expected, { rtol: 1e-6 });
  });

  test(`${engine}: a NaN in a sequence reaches its own row's later steps only`, { skip: skipOf(engine) }, async () => {
    await selectEngine(engine);
    const values = new Float32Array(2 * 4 * 3).fill(0.5);
    values[3 * 2] = Number.NaN; // row 0, step 2
    const out = ops
      .lstm(tf.tensor3d(values, [2, 4, 3]), {
        weightIh: tf.fill([20, 3], 0.1),
        weightHh: tf.fill([20, 5], 0.1),
        biasIh: tf.zeros([20]),
        biasHh: tf.zeros([20]),
      })
      .dataSync();
    out.forEach((value, i) => {
      const [row, step] = [Math.floor(i / 20), Math.floor(i / 5) % 4];
      assert.equal(Number.isNaN(value), row === 0 && step >= 2, `row ${row}, step ${step} is ${value}`);
    });
  });

  test(`${engine}: saturated gates stay finite`, { skip: skipOf(engine) }, async () => {
    await selectEngine(engine);
    const p = {
      weightHh: tf.zeros([4, 1]) as Tensor2D,
      biasIh: tf.zeros([4]) as Tensor1D,
      biasHh: tf.zeros([4]) as Tensor1D,
    };
    for (const input of [1e4, -1e4, 3e38]) {
      const x = tf.tensor3d([input, input], [1, 2, 1]);
      const out = ops.lstm(x, { weightIh: tf.ones([4, 1]), ...p }).dataSync();
      // All gates open or all shut.
      assertClose(out, input > 0 ? [Math.tanh(1), Math.tanh(2)] : [0, 0], { rtol: 1e-6, atol: 1e-30 });
    }
  });

  test(`${engine}: huge logits leave the cross-entropy finite, a NaN makes it NaN`, {
    skip: skipOf(engine),
  }, async () => {
    await selectEngine(engine);
    const labels = tf.tensor2d([0, 1], [2, 1], "int32");
    const loss = (values: number[]): number =>
      ops.headsCrossEntropy([tf.tensor2d(values, [2, 2])], labels).dataSync()[0]!;
    assertClose(loss([1e4, 0, 0, 1e4]), 0, { atol: 1e-6 });
    assertClose(loss([0, 1e4, 0, 1e4]), 5000, { rtol: 1e-6 });
    assert.ok(Number.isNaN(loss([1, Number.NaN, 0, 1])));
  });

  test(`${engine}: a label that is no class of its head is an error`, { skip: skipOf(engine) }, async () => {
    await selectEngine(engine);
    for (const label of [-1, 3]) {
      const labels = tf.tensor2d([0, 0, 0, label], [2, 2], "int32");
      assert.throws(
        () => ops.headsCrossEntropy([tf.zeros([2, 5]), tf.zeros([2, 3])], labels),
        (error: Error) =>
          error instanceof RangeError &&
          error.message.includes(`the label of row 1, head 1 must be in [0, 2], got ${label}`),
      );
    }
  });
}

test("a dropout mask is the same on every engine, of the asked rate, and another for another key", async () => {
  const x = tf.ones([100_000]);
  const keys = [
    { seed: 1, step: 2, layer: 3 },
    { seed: 2, step: 2, layer: 3 },
    { seed: 1, step: 3, layer: 3 },
    { seed: 1, step: 2, layer: 4 },
  ];
  const engines = ENGINES.filter((engine) => !skipOf(engine));
  const masks: Float32Array[][] = [];
  for (const engine of engines) {
    await selectEngine(engine);
    masks.push(keys.map((key) => ops.dropout(x, 0.25, key).dataSync() as Float32Array));
  }
  for (const other of masks.slice(1)) assert.deepEqual(masks[0], other);
  for (const [index, mask] of masks[0]!.entries()) {
    const dropped = mask.filter((value) => value === 0).length / mask.length;
    // Binomial: standard deviation 0.0014.
    assertClose(dropped, 0.25, { atol: 0.006 });
    assert.ok(mask.every((value) => value === 0 || value === Math.fround(1 / 0.75)));
    for (const other of masks[0]!.slice(index + 1)) {
      const both = mask.filter((value, i) => value === 0 && other[i] === 0).length / mask.length;
      assertClose(both, 0.0625, { atol: 0.004 }); // independent masks
    }
  }
});
