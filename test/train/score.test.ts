import assert from "node:assert/strict";
import test from "node:test";
import { PARAMETERS } from "../../src/data/parameters";
import { HeadTally } from "../../src/train/score";
import { scaleToRange, targetsOf } from "../../src/train/targets";
import { assertClose } from "../assert-close";

const CLASSES = "sparse_categorical_crossentropy";
const A3 = PARAMETERS.a3.edges; // -0.41, -0.2, 0, 0.2, 0.41

test("a classification head is scored as PyTorch and NumPy score it", () => {
  const tally = new HeadTally("a3", CLASSES, A3);
  // torch float64: cross_entropy([[0.5, -1, 2, 0.25]], [1]); numpy: (softmax * centres).sum()
  const score = tally.add(Float32Array.of(0.5, -1, 2, 0.25), 1, -0.1);
  assertClose(score.loss, 3.3692789984482534, { rtol: 1e-14 });
  assertClose(score.estimate, 0.05527623906186857, { rtol: 1e-14 });
  assert.equal(score.predictedClass, 2);
  const right = tally.add(Float32Array.of(9, 0, 0, 0), 0, -0.3);
  assertClose(tally.means().loss, (score.loss + right.loss) / 2, { rtol: 1e-14 });
  assert.equal(tally.means().accuracy, 0.5);
});

test("a phase is averaged and compared around the circle", () => {
  const logits = new Float32Array(20).fill(-50);
  logits[0] = 1;
  logits[19] = 0.5;
  logits[1] = 0.25;
  const tally = new HeadTally("epp", CLASSES, PARAMETERS.epp.edges);
  // numpy: angle((softmax * exp(2j pi centres)).sum()) / 2 pi mod 1, and its distance to 0.97 around the circle; the end
  // classes reach to 0 and 1, not to the -0.01 and 1.01 of the table.
  assertClose(tally.add(logits, 19, 0.97).estimate, 0.02174374036375976, { rtol: 1e-12 });
  assertClose(tally.means().mae, 0.05174374036375984, { rtol: 1e-12 });
});

test("huge logits neither overflow nor lose the loss", () => {
  const score = new HeadTally("a3", CLASSES, A3).add(Float32Array.of(1e4, 0, 0, 0), 1, -0.1);
  assert.equal(score.loss, 1e4);
});

test("regression heads are scored on the scaled value and estimated in the parameter's unit", () => {
  const gaussian = new HeadTally("inc", "gaussian_nll", Float64Array.of(0, 45, 90));
  // torch: gaussian_nll_loss(0.2, 0.1, exp(-1)); target 0.1 is 9 degrees of 90
  const score = gaussian.add(Float32Array.of(0.2, -1), 0, 9);
  assertClose(score.loss, -0.4864085912704468, { rtol: 1e-6 });
  assertClose(score.estimate, 18, { rtol: 1e-6 });
  assert.equal(score.predictedClass, 0);
  assertClose(gaussian.means().mae, 9, { rtol: 1e-6 });
  // torch: gaussian_nll_loss(0.1, 0.4, exp(-20)): the variance is held at 1e-6
  const certain = gaussian.add(Float32Array.of(0.1, -20), 0, 36);
  assertClose(certain.loss, 44993.09375, { rtol: 1e-6 });
  // torch: gaussian_nll_loss wants a variance, which e^800 is not in float64; 400 is ln(e^800) / 2
  assertClose(gaussian.add(Float32Array.of(0.2, 800), 0, 9).loss, 400, { rtol: 1e-12 });
  const square = new HeadTally("inc", "mean_squared_error", Float64Array.of(0, 45, 90)).add([0.75], 0, 22.5);
  assert.deepEqual(square, { loss: 0.25, predictedClass: 1, estimate: 67.5 });
});

test("targets are classes, or values scaled over the class range and clipped to it", () => {
  const batch = { labels: Int32Array.of(3, 1), values: Float64Array.of(0.41, 45) };
  const edges = new Map([
    ["a3", A3],
    ["inc", Float64Array.of(0, 45, 90)],
  ] as const);
  assert.equal(targetsOf(CLASSES, batch, edges), batch.labels);
  assert.deepEqual(targetsOf("mean_squared_error", batch, edges), Float32Array.of(1, 0.5));
  assert.equal(scaleToRange(-1, A3), 0);
  assert.equal(scaleToRange(7, A3), 1);
});
