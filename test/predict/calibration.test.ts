import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { loadCheckpointFile, saveWeights, TorchFloat, type TorchValue } from "../../src/checkpoint";
import { resolveClassEdges } from "../../src/data/classes";
import type { HeadName } from "../../src/data/parameters";
import { selectEngine } from "../../src/engine";
import { createModel } from "../../src/model/create-model";
import { assess } from "../../src/predict/assessment";
import {
  type Calibration,
  type Correction,
  calibratedLogits,
  calibrationAt,
  type IntervalMasses,
  PLAIN_MASSES,
} from "../../src/predict/calibrated";
import { classShares, fitCalibration, fitMasses, fitScores } from "../../src/predict/calibration";
import { coverageOf, positionOf, reliabilityOf } from "../../src/predict/coverage";
import { type HeldOut, halfOfRows, rowsWhere } from "../../src/predict/held-out";
import { saveModelFile } from "../../src/predict/model-file";
import { openModel } from "../../src/predict/open-model";
import { posteriorOf, softmax } from "../../src/predict/posteriors";
import { STATISTICS } from "../../src/predict/spectrum-summary";
import { Random } from "../../src/random";
import { assertClose } from "../assert-close";
import { askTorch, LOAD, skipWithoutTorch } from "../checkpoint/python";
import { temporaryFolder } from "../data/make-shard";
import { POINTS, tinyConfig } from "../train/tiny-run";

const EDGES = resolveClassEdges(["dnu", "epp", "snr"], {
  dnu: Array.from({ length: 61 }, (_, k) => 0.95 * 20 ** (k / 60)),
  epp: Array.from({ length: 21 }, (_, k) => k / 20),
  snr: Array.from({ length: 31 }, (_, k) => 4 * 75 ** (k / 30)),
});

/** A class drawn from probabilities. */
function drawClass(probabilities: ArrayLike<number>, random: Random): number {
  let left = random.uniform();
  for (let index = 0; index < probabilities.length; index++) {
    left -= probabilities[index]!;
    if (left < 0) return index;
  }
  return probabilities.length - 1;
}

/** Stars whose true classes follow softmax(logits / temperature) exactly, the values spread evenly in their class. */
function heldOutOf(rows: number, temperature: number): HeldOut {
  const random = new Random(7);
  const heads = [...EDGES.keys()];
  const labels = new Int32Array(rows * heads.length);
  const values = new Float64Array(rows * heads.length);
  const logits = new Map<HeadName, Float32Array>();
  heads.forEach((head, column) => {
    const edges = EDGES.get(head)!;
    const classes = edges.length - 1;
    const all = new Float32Array(rows * classes);
    for (let row = 0; row < rows; row++) {
      const center = random.between(0, classes);
      const width = random.between(0.5, classes / 4);
      for (let k = 0; k < classes; k++) {
        const apart = Math.abs(k + 0.5 - center);
        const distance = head === "epp" ? Math.min(apart, classes - apart) : apart;
        all[row * classes + k] = -0.5 * temperature * (distance / width) ** 2 + 0.2 * temperature * random.normal();
      }
      const scores = all.subarray(row * classes, (row + 1) * classes).map((score) => score / temperature);
      const label = drawClass(softmax(scores), random);
      labels[row * heads.length + column] = label;
      values[row * heads.length + column] = random.between(edges[label]!, edges[label + 1]!);
    }
    logits.set(head, all);
  });
  const trunk = { size: 3, values: Float32Array.from({ length: 3 * rows }, () => random.normal()) };
  return { rows, classEdges: EDGES, labels, values, logits, features: new Map([["trunk", trunk]]) };
}

test("temperature and weight of the prior are those that SciPy finds", () => {
  const logits = [
    [4.1, -5.1, 0.8],
    [-1.1, -0.9, -0.4],
    [-4.0, -0.5, -1.7],
    [6.6, 0.5, -0.7],
    [-0.6, -1.3, -2.1],
    [-0.8, 1.0, -0.5],
    [1.9, -0.4, 0.0],
    [3.1, 1.1, -1.0],
  ];
  const labels = Int32Array.of(0, 2, 1, 1, 0, 1, 0, 2);
  // scipy.optimize.minimize(mean NLL + 0.5e-4 * ((1 / T - 1)**2 + w**2), method="BFGS"), with and without w
  const both = fitScores(logits, labels, Float64Array.of(0.5, 0.3, 0.2));
  assertClose([both.temperature, both.priorWeight], [4.960895962205554, -0.07480436588369627], { rtol: 1e-5 });
  const alone = fitScores(logits, labels);
  assertClose(alone.temperature, 5.162463789996543, { rtol: 1e-6 });
  assert.equal(alone.priorWeight, 0);
});

test("the temperature that scores were multiplied by is found again", () => {
  const heldOut = heldOutOf(3000, 2.5);
  const { temperatures, rows } = fitCalibration(heldOut, { rows: halfOfRows(3000, 0) });
  assert.equal(rows, 1500);
  for (const [head, temperature] of temperatures) assertClose(temperature, 2.5, { rtol: 0.06, what: head });
});

test("intervals of calibrated posteriors cover what they promise, overall and in ranges; of overconfident ones less", () => {
  const heldOut = heldOutOf(4000, 2.5);
  const calibration = fitCalibration(heldOut, { rows: halfOfRows(4000, 0) });
  const rows = halfOfRows(4000, 1);
  // Three standard errors of 2000 rows: 3.1 % and 1.5 %.
  for (const [head, scores] of assess(heldOut, { rows, calibration })) {
    assertClose(scores.coverage68, 0.68, { atol: 0.031, what: head });
    assertClose(scores.coverage95, 0.95, { atol: 0.015, what: head });
    scores.reliability.nominal.forEach((level, index) => {
      assertClose(scores.reliability.observed[index]!, level, { atol: 0.034, what: `${head} at ${level}` });
    });
    for (const bin of [...scores.bins.dnu!, ...scores.bins.snr!]) {
      const error = 3 * Math.sqrt((0.68 * 0.32) / bin.rows);
      assertClose(bin.coverage68, 0.68, { atol: error + 0.02, what: `${head} from ${bin.from}` });
    }
    assert.ok(scores.loss < scores.prior_loss);
  }
  for (const [head, { coverage68 }] of assess(heldOut, { rows, calibration: null })) {
    assert.ok(coverage68 < 0.55, `${head} ${coverage68}`);
  }
});

test("intervals of posteriors that no temperature mends cover what they promise", () => {
  // Truths fall into the most probable class alone, and there only into its middle tenth, or anywhere for one star in five.
  const rows = 2000;
  const random = new Random(11);
  const edges = resolveClassEdges(["dnu"], { dnu: [0, 1, 2, 3] });
  const values = Float64Array.from({ length: rows }, () =>
    random.uniform() < 0.2 ? random.between(0, 3) : random.between(1.45, 1.55),
  );
  const logits = Float32Array.from({ length: 3 * rows }, (_, index) => (index % 3 === 1 ? 2 : 0));
  const heldOut: HeldOut = {
    rows,
    classEdges: edges,
    labels: Int32Array.from(values, Math.floor),
    values,
    logits: new Map([["dnu", logits]]),
    features: new Map(),
  };
  const calibration = fitCalibration(heldOut, { rows: halfOfRows(rows, 0) });
  const half = halfOfRows(rows, 1);
  const plain = assess(heldOut, { rows: half, calibration: { ...calibration, intervalMasses: new Map() } }).get("dnu")!;
  assert.ok(plain.coverage68 > 0.8, `${plain.coverage68}`);
  const scores = assess(heldOut, { rows: half, calibration }).get("dnu")!;
  // Three standard errors of 1000 rows.
  assertClose(scores.coverage68, 0.68, { atol: 0.045 });
  assertClose(scores.coverage95, 0.95, { atol: 0.021 });
  // The interval itself, counted on its own.
  const { interval68 } = posteriorOf("dnu", logits.subarray(0, 3), edges.get("dnu")!, { calibration });
  const inside = half.filter((row) => values[row]! >= interval68[0] && values[row]! <= interval68[1]).length;
  assertClose(inside / half.length, scores.coverage68, { atol: 1e-12 });
});

test("short observations get a correction of their own, and then their intervals cover what they promise, too", () => {
  // Of 4000 rows every other two have five bins for one that is independent: their scores are three times too sure.
  const rows = 4000;
  const isShort = (row: number): boolean => row % 4 >= 2;
  const [fair, sure] = [heldOutOf(rows, 1), heldOutOf(rows, 3)];
  const heads = EDGES.size;
  const statistics = new Float32Array(rows * STATISTICS);
  for (let row = 0; row < rows; row++) if (isShort(row)) statistics[(row + 1) * STATISTICS - 1] = 0.8;
  const take = <T extends Int32Array | Float64Array | Float32Array>(from: T, other: T, width: number): T =>
    from.map((value, index) => (isShort(Math.floor(index / width)) ? other[index]! : value)) as T;
  const heldOut: HeldOut = {
    ...fair,
    labels: take(fair.labels, sure.labels, heads),
    values: take(fair.values, sure.values, heads),
    logits: new Map(
      [...fair.logits].map(([head, all]) => [head, take(all, sure.logits.get(head)!, all.length / rows)] as const),
    ),
    features: new Map([["spectrum", { size: STATISTICS, values: statistics }]]),
  };
  const calibration = fitCalibration(heldOut, { rows: halfOfRows(rows, 0) });
  const [long, short, ...rest] = calibration.byOversampling;
  assert.equal(rest.length, 0);
  assertClose([long!.oversampling, short!.oversampling], [1, 5], { rtol: 1e-6 });
  for (const head of EDGES.keys()) {
    assertClose(long!.temperatures.get(head)!, 1, { rtol: 0.08, what: head });
    assertClose(short!.temperatures.get(head)!, 3, { rtol: 0.08, what: head });
  }
  const shortRows = halfOfRows(rows, 1).filter(isShort);
  // Three standard errors of 1000 rows.
  for (const { coverage68, coverage95 } of assess(heldOut, { rows: shortRows, calibration }).values()) {
    assertClose(coverage68, 0.68, { atol: 0.045 });
    assertClose(coverage95, 0.95, { atol: 0.021 });
  }
  const single = { ...calibration, byOversampling: [] };
  for (const { coverage68 } of assess(heldOut, { rows: shortRows, calibration: single }).values()) {
    assert.ok(coverage68 < 0.6, `one correction for all: ${coverage68}`);
  }
  const few = fitCalibration(heldOut, { rows: Uint32Array.from({ length: 800 }, (_, row) => row) });
  assert.equal(few.byOversampling.length, 2, "400 of each are enough");
  assert.deepEqual(
    fitCalibration(heldOut, { rows: Uint32Array.from({ length: 400 }, (_, row) => row) }).byOversampling,
    [],
    "200 of each are not",
  );
});

test("between two corrections there is a way in even steps of the logarithm, beyond them the last", () => {
  const at = (oversampling: number) => {
    const { temperatures, priorWeights, intervalMasses } = calibrationAt(CALIBRATION, oversampling);
    return [temperatures.get("inc")!, priorWeights.get("inc")!, ...intervalMasses.get("inc")!];
  };
  assertClose(at(1), [0.5, 0.25, 0.5, 0.75], { rtol: 1e-12 });
  assertClose(at(2.25), [1, 0.5, 0.625, 0.875], { rtol: 1e-12 }); // halfway from 1.125 to 4.5
  assertClose(at(100), [2, 0.75, 0.75, 1], { rtol: 1e-12 });
  const plain = { ...CALIBRATION, byOversampling: [] };
  assert.equal(calibrationAt(plain, 5), plain);
});

test("the masses of intervals are quantiles of the distance to the median; few stars leave them as they are", () => {
  // numpy.sort(2 * abs(p - 0.5)) of p = k / 400 holds each step of 1 / 200 twice: 68 % lie within 0.68.
  const even = Float64Array.from({ length: 400 }, (_, k) => (k + 0.5) / 400);
  assertClose(fitMasses(even), [0.6775, 0.9475], { rtol: 1e-12 });
  assertClose(fitMasses(even.map((p) => 0.5 + (p - 0.5) / 2)), [0.33875, 0.47375], { rtol: 1e-12 });
  assert.deepEqual(fitMasses(even.subarray(0, 199)), [0.68, 0.95]);
});

test("scores of known answers are right", () => {
  const edges = resolveClassEdges(["dnu", "epp"], { dnu: [4, 5, 6, 8], epp: [0, 0.25, 0.5, 0.75, 1] });
  const heldOut: HeldOut = {
    rows: 2,
    classEdges: edges,
    labels: Int32Array.of(1, 0, 2, 3),
    values: Float64Array.of(5.5, 0.1, 7, 0.9),
    logits: new Map([
      ["dnu", Float32Array.of(0, Math.log(8), 0, 0, Math.log(8), 0)],
      ["epp", Float32Array.of(0, 0, 0, Math.log(5), 0, 0, 0, Math.log(5))],
    ]),
    features: new Map(),
  };
  const scores = assess(heldOut, { calibration: null });
  const dnu = scores.get("dnu")!;
  // Probabilities 0.1, 0.8, 0.1 twice: mean 0.45 + 4.4 + 0.7 = 5.55, median 5.5.
  assertClose(dnu.loss, -(Math.log(0.8) + Math.log(0.1)) / 2, { rtol: 1e-6 });
  assert.deepEqual([dnu.accuracy, dnu.accuracy_within_one, dnu.rows], [0.5, 1, 2]);
  assertClose(dnu.mae, (0.05 + 1.45) / 2, { rtol: 1e-6 });
  assertClose(dnu.median_relative_error!, (0 + 1.5 / 7) / 2, { rtol: 1e-6, atol: 1e-9 });
  assert.deepEqual([dnu.within_3_percent, dnu.within_5_percent], [0.5, 0.5]);
  // Counts of dnu's classes: one more than none, one, one.
  assertClose(dnu.prior_loss, -Math.log(2 / 5), { rtol: 1e-9 });
  const epp = scores.get("epp")!;
  assert.deepEqual([epp.accuracy, epp.accuracy_within_one], [0.5, 1], "first and last class of a phase are neighbours");
  assert.deepEqual([epp.median_relative_error, epp.within_3_percent], [null, null]);
  // Of a prior of 1/3, 1/6, 1/6, 1/3 the probabilities 1/8, 1/8, 1/8, 5/8 tell 0.29 bits.
  assert.equal(epp.where_identifiable, null);
});

test("the loss is also told of the stars in which the parameter is identifiable", () => {
  const edges = resolveClassEdges(["dnu"], { dnu: [4, 5, 6] });
  const heldOut: HeldOut = {
    rows: 3,
    classEdges: edges,
    labels: Int32Array.of(0, 1, 1),
    values: Float64Array.of(4.5, 5.5, 5.5),
    // Probabilities 0.99, 0.01; 0.5, 0.5; 0.02, 0.98: of a prior of 2 / 5, 3 / 5 they tell 1.23, 0.03 and 0.61 bits.
    logits: new Map([["dnu", Float32Array.of(Math.log(99), 0, 0, 0, 0, Math.log(49))]]),
    features: new Map(),
  };
  const dnu = assess(heldOut, { calibration: null }).get("dnu")!;
  assertClose(dnu.identifiable, 2 / 3, { rtol: 1e-12 });
  assert.equal(dnu.where_identifiable!.rows, 2);
  assertClose(dnu.where_identifiable!.loss, -(Math.log(0.99) + Math.log(0.98)) / 2, { rtol: 1e-6 });
  assertClose(dnu.where_identifiable!.prior_loss, -(Math.log(2 / 5) + Math.log(3 / 5)) / 2, { rtol: 1e-12 });
});

test("a true value's position in its posterior is the probability below it, around the circle for a phase", () => {
  const probabilities = Float64Array.of(0.2, 0.5, 0.3);
  const edges = Float64Array.of(4, 5, 6, 8);
  assertClose(positionOf("dnu", probabilities, edges, 5.5, 0), 0.45, { rtol: 1e-12 });
  // The mean of the phase is 0; it is cut open at one half.
  const phase = Float64Array.of(0.5, 0, 0, 0.5);
  const quarters = Float64Array.of(0, 0.25, 0.5, 0.75, 1);
  assertClose(positionOf("epp", phase, quarters, 0.9, 0), 0.3, { atol: 1e-9 });
  assertClose(positionOf("epp", phase, quarters, 0.1, 0), 0.7, { atol: 1e-9 });
  // Beyond the edges: anywhere in the end class.
  const below = Array.from({ length: 2000 }, (_, row) => positionOf("dnu", probabilities, edges, 3, row));
  assert.ok(below.every((position) => position > 0 && position < 0.2));
  assertClose(below.reduce((sum, position) => sum + position, 0) / 2000, 0.1, { atol: 0.005 });
  const above = Array.from({ length: 2000 }, (_, row) => positionOf("dnu", probabilities, edges, 9, row));
  assert.ok(above.every((position) => position > 0.7 && position < 1));
});

test("coverage and reliability count positions in the middle", () => {
  const positions = Array.from({ length: 1000 }, (_, index) => (index + 0.5) / 1000);
  const placed = (position: number) => ({ position, masses: PLAIN_MASSES });
  assert.deepEqual(coverageOf(positions.map(placed)), { coverage68: 0.68, coverage95: 0.95 });
  const { nominal, observed } = reliabilityOf(positions);
  assert.equal(nominal.length, 19);
  assertClose(observed, nominal, { atol: 1e-12 });
  assert.deepEqual(coverageOf([0.1, 0.5].map(placed)), { coverage68: 0.5, coverage95: 1 });
  assert.deepEqual(coverageOf([{ position: 0.1, masses: [0.81, 1] }]), { coverage68: 1, coverage95: 1 });
});

test("class shares leave no class impossible; logits take temperature and prior", () => {
  const labels = [Int32Array.of(0), Int32Array.of(2), Int32Array.of(2)];
  const classEdges = resolveClassEdges(["q"], { q: [0, 1, 2, 3] });
  const shares = classShares({ rows: 3, classEdges, labels: (row) => labels[row]! });
  assertClose(shares.get("q")!, [2 / 6, 1 / 6, 3 / 6], { rtol: 1e-12 });
  // A source is an object whose methods call each other.
  const source = {
    rows: 3,
    classEdges,
    row: (index: number) => labels[index]!,
    labels(index: number) {
      return this.row(index);
    },
  };
  assert.deepEqual(classShares(source), shares);
  const calibration: Calibration = {
    temperatures: new Map([["q", 2]]),
    priorWeights: new Map([["q", 0.5]]),
    prior: shares,
    intervalMasses: new Map(),
    byOversampling: [],
    familiarity: new Map(),
    rows: 3,
  };
  const expected = [1, 2, 3].map((logit, k) => logit / 2 + 0.5 * Math.log([2 / 6, 1 / 6, 3 / 6][k]!));
  assertClose(calibratedLogits("q", [1, 2, 3], calibration), expected, { rtol: 1e-12 });
  assert.deepEqual(calibratedLogits("q", [1, 2, 3], null), [1, 2, 3]);
  assert.deepEqual(calibratedLogits("dnu", [1, 2, 3], calibration), [1, 2, 3]);
});

test("rows are chosen by the true values of the network's heads", () => {
  const heldOut = heldOutOf(50, 1);
  const rows = rowsWhere(heldOut, [
    { column: "dnu", op: ">", value: 5 },
    { column: "snr", op: "<=", value: 100 },
  ]);
  const expected = [...Array(50).keys()].filter(
    (row) => heldOut.values[3 * row]! > 5 && heldOut.values[3 * row + 2]! <= 100,
  );
  assert.deepEqual([...rows], expected);
  assert.throws(() => rowsWhere(heldOut, [{ column: "inc", op: ">", value: 5 }]), {
    name: "RangeError",
    message: "Cannot filter by inc: expected one of the network's heads, dnu, epp, snr",
  });
});

/** The same for both heads of `CALIBRATION`. */
function correctionOf(own: { temperature: number; weight: number; masses: IntervalMasses }): Correction {
  const both = <T>(value: T): Map<HeadName, T> =>
    new Map([
      ["numax", value],
      ["inc", value],
    ] as const);
  return {
    temperatures: both(own.temperature),
    priorWeights: both(own.weight),
    intervalMasses: both(own.masses),
  };
}

const CALIBRATION: Calibration = {
  temperatures: new Map([
    ["numax", 1.25],
    ["inc", 0.5],
  ]),
  priorWeights: new Map([
    ["numax", 0],
    ["inc", 0.125],
  ]),
  prior: new Map([
    ["numax", Float64Array.of(0.1, 0.2, 0.3, 0.4)],
    ["inc", Float64Array.of(0.25, 0.75)],
  ]),
  intervalMasses: new Map([
    ["numax", [0.5, 0.875]],
    ["inc", [0.75, 0.9375]],
  ]),
  byOversampling: [
    {
      oversampling: 1.125,
      ...correctionOf({ temperature: 0.5, weight: 0.25, masses: [0.5, 0.75] }),
    },
    {
      oversampling: 4.5,
      ...correctionOf({ temperature: 2, weight: 0.75, masses: [0.75, 1] }),
    },
  ],
  familiarity: new Map([
    ["trunk", { mean: Float32Array.of(1, 2), whitening: Float32Array.of(1, 0, 0.5, 2), limit: 9.5 }],
  ]),
  rows: 2048,
};

test("a model file gives back weights, settings and calibration", async (t) => {
  await selectEngine("cpu");
  const path = join(temporaryFolder(t), "model.pth");
  const config = tinyConfig("data");
  const model = createModel(config, POINTS);
  t.after(() => model.dispose());
  await saveModelFile(path, { model, config, points: POINTS, calibration: CALIBRATION });
  const opened = await openModel(path);
  t.after(() => opened.model.dispose());
  assert.deepEqual(opened.calibration, CALIBRATION);
  assert.deepEqual(opened.config, config);
  assert.deepEqual(opened.model.stateDict(), model.stateDict());
  // What has been opened can be written again; without a calibration there is none to open.
  await saveModelFile(path, { ...opened, calibration: null });
  assert.equal((await loadCheckpointFile(path)).calibration, null);
});

test("PyTorch reads a model file and its calibration with weights_only", { skip: skipWithoutTorch }, async (t) => {
  await selectEngine("cpu");
  const path = join(temporaryFolder(t), "model.pth");
  const config = tinyConfig("data");
  const model = createModel(config, POINTS);
  t.after(() => model.dispose());
  await saveModelFile(path, { model, config, points: POINTS, calibration: CALIBRATION });
  assert.ok(existsSync(path));
  const read = askTorch(
    `
import json, sys, torch
${LOAD}
value = load(sys.argv[1])
c = value["calibration"]
trunk = c["familiarity"]["trunk"]
print(json.dumps([sorted(value), c["temperature"], c["prior_weight"]["inc"], c["prior"]["inc"].tolist(), c["interval_mass"]["inc"].tolist(),
                  {key: [group["oversampling"], group["temperature"]["inc"]] for key, group in c["by_oversampling"].items()},
                  trunk["whitening"].tolist(), trunk["limit"], c["rows"], len(value["model_state_dict"])]))`,
    path,
  );
  assert.deepEqual(read, [
    ["asterolab", "calibration", "model_state_dict"],
    { numax: 1.25, inc: 0.5 },
    0.125,
    [0.25, 0.75],
    [0.75, 0.9375],
    { "0": [1.125, 0.5], "1": [4.5, 2] },
    [
      [1, 0],
      [0.5, 2],
    ],
    9.5,
    2048,
    model.stateDict().size,
  ]);
});

test("a calibration that does not fit the network is refused, naming the part", async (t) => {
  await selectEngine("cpu");
  const path = join(temporaryFolder(t), "model.pth");
  const config = tinyConfig("data");
  const model = createModel(config, POINTS);
  t.after(() => model.dispose());
  const refuses = async (calibration: Map<string, TorchValue>, reason: string): Promise<void> => {
    await saveWeights(path, model.stateDict(), { config, points: POINTS }, calibration);
    await assert.rejects(openModel(path), {
      name: "CheckpointError",
      message: `Cannot load checkpoint "${path}": ${reason}`,
    });
  };
  await refuses(new Map(), "calibration.temperature is missing, expected a dict");
  const zero = new Map([["inc", new TorchFloat(0)]]);
  await refuses(new Map([["temperature", zero]]), "calibration.temperature.inc is 0, expected a number above 0");
  const wrong: Calibration = { ...CALIBRATION, prior: new Map(CALIBRATION.prior).set("inc", Float64Array.of(1)) };
  await saveModelFile(path, { model, config, points: POINTS, calibration: wrong });
  await assert.rejects(openModel(path), {
    name: "CheckpointError",
    message: `Cannot load checkpoint "${path}": calibration: inc has 1 elements, expected 2 floating-point numbers`,
  });
  const falling: Calibration = {
    ...CALIBRATION,
    intervalMasses: new Map(CALIBRATION.intervalMasses).set("inc", [0.9, 0.7]),
  };
  await saveModelFile(path, { model, config, points: POINTS, calibration: falling });
  await assert.rejects(openModel(path), {
    name: "CheckpointError",
    message:
      `Cannot load checkpoint "${path}": calibration.interval_mass.inc is 0.9 and 0.7, ` +
      "expected two that rise, above 0 and at most 1",
  });
  const disordered: Calibration = { ...CALIBRATION, byOversampling: [...CALIBRATION.byOversampling].reverse() };
  await saveModelFile(path, { model, config, points: POINTS, calibration: disordered });
  await assert.rejects(openModel(path), {
    name: "CheckpointError",
    message: `Cannot load checkpoint "${path}": calibration.by_oversampling.1 is for 1.125, expected a number above 4.5`,
  });
});
