import assert from "node:assert/strict";
import test from "node:test";
import type { ClassEdges } from "../../src/data/classes";
import { rescaleHeads } from "../../src/model/rescale-heads";
import type { ModelState } from "../../src/model/state";
import { assertClose } from "../assert-close";

const TRUNK = [0.7, -0.4];
const OLD = Float64Array.of(10, 20, 60);
const NEW = Float64Array.of(-5, 0, 195);

function edgesOf(numax: Float64Array): ClassEdges {
  return new Map([["numax", numax]]);
}

/** A head of a value and its log variance on a trunk of two units. */
function gaussianState(): ModelState {
  return new Map([
    ["linear.bias", { shape: [2], data: Float32Array.of(5, 6) }],
    ["linear_numax.weight", { shape: [2, 2], data: Float32Array.of(0.5, -1, 2, 0.25) }],
    ["linear_numax.bias", { shape: [2], data: Float32Array.of(0.1, -0.2) }],
  ]);
}

/** Value and standard deviation in the parameter's unit, for the trunk above. */
function estimate(state: ModelState, edges: Float64Array): number[] {
  const { data: weight } = state.get("linear_numax.weight")!;
  const [value, logVariance] = Array.from(
    state.get("linear_numax.bias")!.data,
    (bias, output) => bias + weight[2 * output]! * TRUNK[0]! + weight[2 * output + 1]! * TRUNK[1]!,
  );
  const range = edges.at(-1)! - edges[0]!;
  return [edges[0]! + range * value!, range * Math.exp(logVariance! / 2)];
}

test("values and standard deviations stay in the parameter's unit", () => {
  const state = rescaleHeads(gaussianState(), edgesOf(OLD), edgesOf(NEW));
  assertClose(estimate(state, NEW), estimate(gaussianState(), OLD), { rtol: 1e-6 });
});

test("all else stays: other parameters, heads with the same range, and the state that was given", () => {
  const given = gaussianState();
  assert.deepEqual(rescaleHeads(given, edgesOf(OLD), edgesOf(Float64Array.of(10, 30, 60))), gaussianState());
  assert.deepEqual(rescaleHeads(given, new Map(), edgesOf(NEW)), gaussianState());
  assert.equal(rescaleHeads(given, edgesOf(OLD), edgesOf(NEW)).get("linear.bias"), given.get("linear.bias"));
  assert.deepEqual(given, gaussianState());
});
