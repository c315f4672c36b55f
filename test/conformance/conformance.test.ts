/** Every engine against the double-precision references, outputs and gradients. */

import test from "node:test";
import { selectEngine } from "../../src/engine";
import { type IsaName, loadAddon } from "../../src/engine/native/addon";
import { assertClose } from "../assert-close";
import { skipOf } from "../engines";
import type { Arrays } from "../reference/op";
import { CASES, type Case, evaluate, inputsOf, lossWeights } from "./cases";

const truths = new Map<Case, Truth>();
const ISAS: readonly IsaName[] = ["portable", "avx2", "avx512"];

test("the ops composed of stock tfjs ops agree with the references on the cpu engine", async (t) => {
  await selectEngine("cpu");
  for (const testCase of CASES.filter(({ size }) => size !== "large"))
    await t.test(testCase.name, () => judge(testCase));
});

test("the tensorflow engine agrees with the references", { skip: skipOf("tensorflow") }, async (t) => {
  await selectEngine("tensorflow", { threads: 2 });
  for (const testCase of CASES) await t.test(testCase.name, () => judge(testCase));
});

for (const name of ISAS) {
  test(`the native engine agrees with the references: ${name}`, async (t) => {
    await selectEngine("native", { threads: 2 });
    const best = loadAddon().isa();
    try {
      if (loadAddon().setIsa({ name }) !== name) return t.skip("this processor has no such instructions");
      for (const testCase of CASES) await t.test(testCase.name, () => judge(testCase));
    } finally {
      loadAddon().setIsa({ name: best });
    }
  });
}

function judge(testCase: Case): void {
  const { tolerance, floor = 0 } = testCase;
  const { inputs, weights, output: expected, gradients: expectedGradients } = truthOf(testCase);
  const { output, gradients } = evaluate(testCase, inputs, weights);
  closeTo(output, expected, { tolerance, floor, what: "output" });
  for (const [name, gradient] of Object.entries(expectedGradients)) {
    closeTo(gradients[name]!, gradient, { tolerance, floor, what: `gradient of ${name}` });
  }
}

interface Truth {
  readonly inputs: Arrays;
  readonly weights: Float64Array;
  readonly output: Float64Array;
  readonly gradients: Arrays;
}

/** What the reference says of a case, worked out once for all engines. */
function truthOf(testCase: Case): Truth {
  const known = truths.get(testCase);
  if (known) return known;
  const { reference, shapes } = testCase;
  const inputs = inputsOf(testCase);
  const output = reference.forward(inputs, shapes);
  const weights = lossWeights(output.length);
  const truth = { inputs, weights, output, gradients: reference.backward(inputs, shapes, weights) };
  truths.set(testCase, truth);
  return truth;
}

function closeTo(
  actual: Float32Array,
  expected: Float64Array,
  { tolerance, floor, what }: { tolerance: number; floor: number; what: string },
): void {
  const scale = expected.reduce((top, value) => Math.max(top, Math.abs(value)), floor);
  assertClose(actual, expected, { atol: tolerance * scale, what });
}
