import assert from "node:assert/strict";
import test from "node:test";
import type { Tensor2D } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { parseConfig } from "../../src/config";
import { selectEngine } from "../../src/engine";
import { createModel } from "../../src/model/create-model";
import { bandWeights, summaryOf } from "../../src/model/summary";
import { Random } from "../../src/random";
import { assertClose } from "../assert-close";

test("each band takes the mean over its points; bands follow each other, widen, and cover the spectrum", () => {
  for (const [points, bands] of [
    [11897, 32],
    [500, 7],
    [40, 3],
  ] as const) {
    const weights = bandWeights(points, bands);
    const rows = Array.from({ length: bands }, (_, band) => weights.subarray(band * points, (band + 1) * points));
    assertClose(
      rows.map((row) => row.reduce((sum, value) => sum + value, 0)),
      new Array(bands).fill(1),
      { rtol: 1e-4 },
    );
    const sizes = rows.map((row) => row.filter((value) => value > 0).length);
    assert.equal(
      sizes.reduce((sum, size) => sum + size, 0),
      points,
    );
    for (let point = 0; point < points; point++) assert.equal(rows.filter((row) => row[point]! > 0).length, 1);
    assert.ok(sizes.at(-1)! > sizes[0]!);
  }
});

for (const engine of ["native", "cpu"] as const) {
  test(`the summary is log of the mean and mean of the log of each band on ${engine}`, async () => {
    await selectEngine(engine);
    const [rows, points, bands] = [3, 500, 7];
    const random = new Random(2);
    const power = Float32Array.from({ length: rows * points }, () => -Math.log(random.uniform()));
    const weights = bandWeights(points, bands);
    const expected = Array.from({ length: rows }, (_, row) => {
      const spectrum = power.subarray(row * points, (row + 1) * points);
      const means = (of: (value: number) => number): number[] =>
        Array.from({ length: bands }, (_, band) =>
          spectrum.reduce((sum, value, point) => sum + weights[band * points + point]! * of(value), 0),
        );
      return [...means((value) => value).map(Math.log), ...means(Math.log)];
    });
    const summary = tf.tidy(() =>
      summaryOf(tf.tensor2d(power, [rows, points]), tf.tensor2d(weights, [bands, points])).arraySync(),
    );
    assertClose(summary.flat(), expected.flat(), { rtol: 1e-4, atol: 1e-5 });
  });
}

test("a network with a summary hears of the level that its convolutions normalise away", async () => {
  await selectEngine("native");
  const settings = { heads: ["snr"], filters: [4, 4], kernel_size: 5, lstm_units: [4, 4], dense_units: 8 };
  const random = new Random(4);
  const power = Float32Array.from({ length: 200 }, () => Math.exp(random.normal()));
  const difference = (summary: number): number => {
    const model = createModel(parseConfig("default", { ...settings, summary }), 200);
    const [one, other] = [1, 100].map((level) =>
      tf.tidy(() =>
        model
          .forward(
            tf.tensor(
              power.map((value) => level * value),
              [1, 200],
            ) as Tensor2D,
          )[0]!
          .dataSync(),
      ),
    );
    assert.equal(model.parameters.get("linear.weight")!.shape[1], 4 * 23 + 2 * summary);
    model.dispose();
    return Math.max(...one!.map((value, index) => Math.abs(value - other![index]!)));
  };
  assert.ok(difference(8) > 10 * difference(0), `${difference(8)} with, ${difference(0)} without`);
});
