import "@tensorflow/tfjs";
import assert from "node:assert/strict";
import test from "node:test";
import type { Tensor2D } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { resolveClassEdges } from "../../src/data/classes";
import { type Network, predictSpectra } from "../../src/predict/predict";
import { predictionCsv, predictionTable } from "../../src/predict/report";
import type { StarSpectrum } from "../../src/predict/spectrum-file";
import { assertClose } from "../assert-close";

const EDGES = resolveClassEdges(["dnu", "epg"], { dnu: [4, 5, 6, 8], epg: [0, 0.5, 1] });

/** Answers with the spectrum's first powers, so that mixed-up stars would show. */
class Echo implements Network {
  readonly batches: number[][] = [];
  forward(x: Tensor2D): Tensor2D[] {
    this.batches.push([...x.shape]);
    return [tf.log(tf.slice(x, [0, 0], [-1, 3])), tf.log(tf.slice(x, [0, 1], [-1, 2]))];
  }
}

const star = (input: string, power: number[]): StarSpectrum => ({ input, power: Float32Array.from(power), notes: [] });

test("stars go through the network in batches, scaled as in training, and keep their names", async () => {
  const network = new Echo();
  const stars = [1, 2, 3, 4, 5].map((k) => star(`star ${k}`, [2 * k, (9 + k) * k, 3 * k, 3 * k, 1]));
  const progress: number[] = [];
  const tensors = tf.memory().numTensors;
  const predictions = await predictSpectra(network, EDGES, stars, {
    normalize: "median",
    batchSize: 2,
    withLogits: true,
    onProgress: (done) => progress.push(done),
  });
  assert.equal(tf.memory().numTensors, tensors, "no tensor is left");
  assert.deepEqual(network.batches, [
    [2, 5],
    [2, 5],
    [1, 5],
  ]);
  assert.deepEqual(progress, [2, 4, 5]);
  for (const [index, { input, parameters }] of predictions.entries()) {
    assert.equal(input, `star ${index + 1}`);
    assert.deepEqual(Object.keys(parameters), ["dnu", "epg"]);
    // The median is 3 k: the powers come back as probabilities, the unit gone.
    const powers = [2, 10 + index, 3];
    const sum = 15 + index;
    assertClose(
      parameters.dnu!.probabilities,
      powers.map((power) => power / sum),
      { rtol: 1e-6 },
    );
    assertClose(
      parameters.dnu!.logits!,
      powers.map((power) => Math.log(power / 3)),
      { rtol: 1e-5, atol: 1e-7 },
    );
    assertClose(parameters.epg!.probabilities, [powers[1]! / (sum - 2), 3 / (sum - 2)], { rtol: 1e-6 });
  }
});

test("without scaling the powers reach the network as they are; without asking no logits come back", async () => {
  const stars = [star("a", [20, 50, 30, 30, 1])];
  const [prediction] = await predictSpectra(new Echo(), EDGES, stars, { normalize: "none" });
  assertClose(prediction!.parameters.dnu!.probabilities, [0.2, 0.5, 0.3], { rtol: 1e-6 });
  assert.equal(prediction!.parameters.dnu!.logits, undefined);
  assert.deepEqual(await predictSpectra(new Echo(), EDGES, [], { normalize: "none" }), []);
});

test("a spectrum that cannot be scaled is named", async () => {
  const stars = [star("data_000.npy[3]", [1, Number.NaN, 1, 1, 1])];
  await assert.rejects(predictSpectra(new Echo(), EDGES, stars, { normalize: "median" }), {
    name: "DataError",
    message: 'Cannot use "data_000.npy[3]": the power at bin 1 is NaN, expected a finite number of at least 0',
  });
});

test("the table shows each parameter with its intervals to two digits, the CSV one line per star", async () => {
  const stars = [
    { ...star('a "b", c', [20, 50, 30, 30, 1]), notes: ["5 of 5 bins looked at"] },
    star("d", [20, 50, 30, 30, 1]),
  ];
  const predictions = await predictSpectra(new Echo(), EDGES, stars, { normalize: "none" });
  const [first] = predictionTable(predictions).split("\n\n");
  assert.deepEqual(first!.split("\n").slice(0, 4), [
    'a "b", c',
    "  (5 of 5 bins looked at)",
    "            median          68 %          95 %  mode  unit",
    "  dnu  Δν      5.6    4.8 .. 6.9    4.1 .. 7.8   5.5  µHz",
  ]);
  const [header, line, ...rest] = predictionCsv(predictions).split("\n");
  assert.ok(
    header!.startsWith("input,dnu_mean,dnu_median,dnu_mode,dnu_lower68,dnu_upper68,dnu_lower95,dnu_upper95,epg_mean,"),
  );
  assert.ok(line!.startsWith('"a ""b"", c",5.75,5.6,5.5,4.8,6.933333,4.125,7.833333,'), line);
  assert.equal(rest.length, 2);
  assert.equal(header!.split(",").length, 15);
});
