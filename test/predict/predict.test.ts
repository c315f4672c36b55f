import "@tensorflow/tfjs";
import assert from "node:assert/strict";
import test from "node:test";
import type { Tensor2D } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { resolveClassEdges } from "../../src/data/classes";
import { POINTS } from "../../src/data/grid";
import type { Calibration } from "../../src/predict/calibrated";
import { posteriorOf } from "../../src/predict/posteriors";
import { type Network, type Prediction, predictSpectra } from "../../src/predict/predict";
import { predictionCsv, predictionTable } from "../../src/predict/report";
import type { StarSpectrum } from "../../src/predict/spectrum-file";
import { Random } from "../../src/random";
import { Simulator, starOf } from "../../src/simulate";
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

/** Answers with constant logits and a trunk of two units that hold the first two inputs. */
class Constant implements Network {
  forward(x: Tensor2D, { onLayer }: { onLayer?: (name: string, output: tf.Tensor) => void } = {}): Tensor2D[] {
    onLayer?.("linear", tf.slice(x, [0, 0], [-1, 2]));
    const rows = x.shape[0];
    return [tf.tile(tf.tensor2d([[0, 4, 0]]), [rows, 1]), tf.zeros([rows, 2])];
  }
}

const CALIBRATION: Calibration = {
  temperatures: new Map([["dnu", 2]]),
  priorWeights: new Map([["dnu", 0]]),
  prior: new Map([
    ["dnu", Float64Array.of(0.2, 0.4, 0.4)],
    ["epg", Float64Array.of(0.5, 0.5)],
  ]),
  intervalMasses: new Map(),
  byOversampling: [],
  familiarity: new Map([["trunk", { mean: Float32Array.of(1, 1), whitening: Float32Array.of(1, 0, 0, 1), limit: 9 }]]),
  rows: 100,
};

test("with a calibration scores are corrected, and flags say what is identifiable and which star is unusual", async () => {
  const stars = [star("usual", [1, 2, 1, 3, 1]), star("odd", [1, 9, 1, 3, 1])];
  const options = { normalize: "none", calibration: CALIBRATION, withLogits: true } as const;
  const [usual, odd] = await predictSpectra(new Constant(), EDGES, stars, options);
  const { dnu, epg } = usual!.parameters;
  const sum = 2 + Math.exp(2);
  assertClose(dnu!.probabilities, [1 / sum, Math.exp(2) / sum, 1 / sum], { rtol: 1e-12 });
  assert.deepEqual(dnu!.logits, [0, 4, 0], "logits stay raw");
  // sum of p log2(p / prior) by numpy
  assertClose(dnu!.information!, 0.46821667, { atol: 1e-7 });
  assert.deepEqual([dnu!.identifiable, epg!.information, epg!.identifiable], [false, 0, false]);
  assert.deepEqual([usual!.unusual, odd!.unusual], [false, true]);
  assert.deepEqual([usual!.detection, usual!.classical], [null, null], "the grid is not known");
  const table = predictionTable([odd!]);
  assert.match(table, /^odd\n {2}UNUSUAL: the star looks unlike those that the network was trained on\n/);
  assert.match(table, /epg .*not identifiable$/m);
  assert.match(predictionCsv([odd!]).split("\n")[1]!, /,false,,true,,$/);
});

test("a star with modes is detected, and noise or a star outside the network's band is not", async () => {
  const simulator = new Simulator();
  const power = new Float64Array(POINTS);
  const seen = { ...starOf("population", { seed: 3 }), dnu: 4.1, numax: 38, snr: 60 };
  simulator.writeSpectrum(seen, { seed: 3 }, power);
  const random = new Random(4);
  const noise = power.map(() => -Math.log(random.uniform()));
  const edges = resolveClassEdges(["dnu", "epg"], Object.fromEntries(EDGES));
  const predict = async (classEdges: typeof EDGES): Promise<Prediction[]> =>
    predictSpectra(new Constant(), classEdges, [star("seen", [...power]), star("noise", [...noise])], {
      normalize: "none",
    });
  const [found, none] = await predict(edges);
  assert.ok(found!.detection!.detected);
  assert.match(found!.detection!.reason, /^comb of modes about 3\d\.\d µHz: strength \d+$/);
  assertClose(found!.classical!.dnu, 4.1, { rtol: 0.03 });
  assert.deepEqual([none!.detection!.detected, none!.classical], [false, null]);
  assert.match(none!.detection!.reason, /^no comb of modes between 2\.3 and 283 µHz: strength \d+, expected above 25$/);
  assert.match(predictionTable([none!]), /\n {2}NO DETECTION: no comb/);
  // 27 days: a quarter of the giants show a comb, so that its absence means little.
  const short = Float64Array.from(noise, (_, bin) => noise[bin - (bin % 54)]!);
  const [brief] = await predictSpectra(new Constant(), edges, [star("brief", [...short])], { normalize: "none" });
  assert.match(
    brief!.detection!.reason,
    /: strength \d+, expected above 25; of giants observed as briefly about [234]0 % reach that$/,
  );
  const narrow = resolveClassEdges(["numax", "epg"], { numax: [100, 150, 200, 280], epg: [0, 0.5, 1] });
  const [outside] = await predict(narrow);
  assert.deepEqual(outside!.detection!.detected, false);
  assert.match(outside!.detection!.reason, /^numax is about 3\d µHz, outside the network's 100 to 280 µHz$/);
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
    "            median           68 %           95 %  mode  unit",
    "  dnu  Δν      5.6     4.8 .. 6.9     4.1 .. 7.8   5.5  µHz",
  ]);
  const [dnu] = predictions;
  const phase = posteriorOf("epg", [3, 0, 0, 2], Float64Array.of(0, 0.25, 0.5, 0.75, 1));
  assert.ok(phase.interval68[0] > phase.median, "the interval runs through 0");
  const [low, high] = phase.interval68.map((limit) => (limit - 1).toFixed(2));
  assert.ok(predictionTable([{ ...dnu!, parameters: { epg: phase } }]).includes(`  ${low} .. ${high}  `));
  const [header, line, ...rest] = predictionCsv(predictions).split("\n");
  assert.ok(
    header!.startsWith(
      "input,dnu_mean,dnu_median,dnu_mode,dnu_lower68,dnu_upper68,dnu_lower95,dnu_upper95,dnu_identifiable,epg_mean,",
    ),
  );
  assert.ok(line!.startsWith('"a ""b"", c",5.75,5.6,5.5,4.8,6.933333,4.125,7.833333,,'), line);
  assert.equal(rest.length, 2);
  assert.ok(header!.endsWith(",epg_identifiable,detected,unusual,classical_numax,classical_dnu"));
  assert.ok(line!.endsWith(",,,,,"), "neither grid nor calibration are known");
  assert.equal(header!.split(",").length, 21);
});
