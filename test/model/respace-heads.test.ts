import assert from "node:assert/strict";
import test from "node:test";
import type { ClassEdges } from "../../src/data/classes";
import { respaceHeads } from "../../src/model/respace-heads";
import type { ModelState } from "../../src/model/state";
import { assertClose } from "../assert-close";

const COARSE = Float64Array.of(0, 1, 2, 4);

function edgesOf(numax: Float64Array): ClassEdges {
  return new Map([["numax", numax]]);
}

/** A head of three classes on a trunk of two units. */
function coarseState(): ModelState {
  return new Map([
    ["linear.bias", { shape: [2], data: Float32Array.of(5, 6) }],
    ["linear_numax.weight", { shape: [3, 2], data: Float32Array.of(0.5, -1, 2, 0.25, -0.5, 1) }],
    ["linear_numax.bias", { shape: [3], data: Float32Array.of(0.1, -0.2, 0.3) }],
  ]);
}

/** Probabilities of the head's classes for a trunk of (0.7, -0.4), in float64. */
function probabilities(state: ModelState): Float64Array {
  const { data: weight } = state.get("linear_numax.weight")!;
  const weights = Float64Array.from(state.get("linear_numax.bias")!.data, (bias, index) =>
    Math.exp(bias + 0.7 * weight[2 * index]! - 0.4 * weight[2 * index + 1]!),
  );
  const sum = weights.reduce((total, value) => total + value, 0);
  return weights.map((value) => value / sum);
}

test("classes that are divided share their probability by width, whatever the trunk says", () => {
  const fine = Float64Array.of(0, 0.25, 1, 1.5, 2, 3, 4);
  const state = respaceHeads(coarseState(), edgesOf(COARSE), edgesOf(fine));
  const [first, second, third] = probabilities(coarseState()) as unknown as [number, number, number];
  const expected = [first / 4, (3 * first) / 4, second / 2, second / 2, third / 2, third / 2];
  assertClose(probabilities(state), expected, { rtol: 1e-6, atol: 0 });
  assert.deepEqual(state.get("linear_numax.weight")!.shape, [6, 2]);
  assert.deepEqual(state.get("linear_numax.bias")!.shape, [6]);
});

test("classes outside the old edges take the first or last old class", () => {
  const wider = Float64Array.of(-2, 0, 1, 2, 4, 6);
  const { data } = respaceHeads(coarseState(), edgesOf(COARSE), edgesOf(wider)).get("linear_numax.bias")!;
  assertClose(data, [0.1 + Math.LN2, 0.1, -0.2, 0.3, 0.3], { rtol: 1e-6, atol: 0 });
});

test("all else stays: other parameters, heads with the same edges, and the state that was given", () => {
  const given = coarseState();
  const same = respaceHeads(given, edgesOf(COARSE), edgesOf(COARSE.slice()));
  assert.deepEqual(same, coarseState());
  const changed = respaceHeads(given, edgesOf(COARSE), edgesOf(Float64Array.of(0, 2, 4)));
  assert.equal(changed.get("linear.bias"), given.get("linear.bias"));
  assert.deepEqual(given, coarseState());
  const unknown = respaceHeads(given, new Map(), edgesOf(COARSE));
  assert.deepEqual(unknown, coarseState());
});

test("a head that gives values instead of classes is left to the check of shapes", () => {
  const state: ModelState = new Map([
    ["linear_numax.weight", { shape: [1, 2], data: Float32Array.of(1, 2) }],
    ["linear_numax.bias", { shape: [1], data: Float32Array.of(3) }],
  ]);
  assert.deepEqual(respaceHeads(state, edgesOf(COARSE), edgesOf(Float64Array.of(0, 2, 4))), state);
});
