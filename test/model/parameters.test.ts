import assert from "node:assert/strict";
import test from "node:test";
import { classCount, HEAD_NAMES, type HeadName, PARAMETERS, SEVEN_HEADS } from "../../src/data/parameters";
import { type Architecture, initialValues, parameterSpecs, sequenceLength } from "../../src/model/parameters";

const reference = (heads: readonly HeadName[]): Architecture => ({
  shape: 35692,
  filters: [16, 32, 64, 128, 256, 512],
  kernelSize: 51,
  lstmUnits: [256, 512],
  denseUnits: 200,
  headOutputs: new Map(heads.map((head) => [head, classCount(PARAMETERS[head].edges)])),
});

const total = (architecture: Architecture) =>
  parameterSpecs(architecture).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);

test("the reference network with seven heads has 16 366 044 parameters", () => {
  assert.equal(total(reference(SEVEN_HEADS)), 16_366_044);
});

test("every further head adds its dense layer and nothing else", () => {
  const classes = HEAD_NAMES.slice(7).reduce((sum, head) => sum + classCount(PARAMETERS[head].edges), 0);
  assert.equal(total(reference(HEAD_NAMES)), 16_366_044 + classes * 201);
});

test("parameters carry PyTorch's names in PyTorch's order", () => {
  const names = parameterSpecs({ ...reference(["dnu", "vl3"]), filters: [4] }).map(({ name }) => name);
  assert.deepEqual(names, [
    ...["conv1.weight", "conv1.bias", "gn1.weight", "gn1.bias"],
    ...["lstm1.weight_ih_l0", "lstm1.weight_hh_l0", "lstm1.bias_ih_l0", "lstm1.bias_hh_l0"],
    ...["lstm2.weight_ih_l0", "lstm2.weight_hh_l0", "lstm2.bias_ih_l0", "lstm2.bias_hh_l0"],
    ...["linear.weight", "linear.bias", "linear_dnu.weight", "linear_dnu.bias", "linear_vl3.weight", "linear_vl3.bias"],
  ]);
});

test("six stages pool 35692 points to 49 steps", () => {
  const lengths = [0, 1, 2, 3, 4, 5, 6].map((stages) => sequenceLength(35692, stages));
  assert.deepEqual(lengths, [35692, 11898, 3966, 1322, 441, 147, 49]);
});

test("initialValues() follows PyTorch's laws", () => {
  const bounds: Record<string, number> = {
    "conv1.weight": 1 / Math.sqrt(51),
    "conv1.bias": 1 / Math.sqrt(51),
    "conv3.weight": 1 / Math.sqrt(32 * 51),
    "conv3.bias": 1 / Math.sqrt(32 * 51),
    "lstm1.weight_ih_l0": 1 / 16,
    "lstm1.weight_hh_l0": 1 / 16,
    "lstm1.bias_hh_l0": 1 / 16,
    "linear.bias": 1 / Math.sqrt(25088),
    "linear_dnu.weight": 1 / Math.sqrt(200),
  };
  for (const spec of parameterSpecs(reference(SEVEN_HEADS))) {
    if (spec.name === "gn2.weight") assert.ok(initialValues(spec, 1).every((value) => value === 1));
    if (spec.name === "gn2.bias") assert.ok(initialValues(spec, 1).every((value) => value === 0));
    const bound = bounds[spec.name];
    if (bound === undefined) continue;
    const values = initialValues(spec, 1);
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    assert.ok(largest <= Math.fround(bound), `${spec.name} exceeds ${bound}: ${largest}`);
    if (values.length < 500) continue;
    // A uniform law fills its range and has the variance bound^2 / 3 (5 sigma: its estimate scatters by 0.894 / sqrt(n)).
    assert.ok(largest > 0.98 * bound, `${spec.name} stays below ${bound}: ${largest}`);
    const variance = values.reduce((sum, value) => sum + value * value, 0) / values.length;
    const deviation = Math.abs(variance / (bound ** 2 / 3) - 1);
    assert.ok(deviation < 5 * (0.894 / Math.sqrt(values.length)), `${spec.name} has variance ${variance}`);
  }
});

test("initialValues() depends on the seed and the name only", () => {
  const [weight, bias] = parameterSpecs(reference(["dnu"]));
  assert.deepEqual(initialValues(weight!, 7), initialValues(weight!, 7));
  assert.notDeepEqual(initialValues(weight!, 7), initialValues(weight!, 8));
  assert.notDeepEqual(initialValues(weight!, 7).slice(0, 16), initialValues(bias!, 7));
});
