/** The double-precision references against finite differences: what the engines are then judged by. */

import test from "node:test";
import { assertClose } from "../assert-close";
import { CASES, inputsOf, lossWeights } from "./cases";

const STEP = 1e-5;

for (const testCase of CASES.filter(({ size }) => size === "small")) {
  test(`finite differences give the gradients of the reference: ${testCase.name}`, () => {
    const { reference, shapes } = testCase;
    const inputs = inputsOf(testCase);
    const weights = lossWeights(reference.forward(inputs, shapes).length);
    const loss = (): number => reference.forward(inputs, shapes).reduce((sum, y, i) => sum + y * weights[i]!, 0);
    const gradients = reference.backward(inputs, shapes, weights);
    for (const [name, values] of Object.entries(inputs)) {
      const numeric = values.map((value, i) => {
        values[i] = value + STEP;
        const above = loss();
        values[i] = value - STEP;
        const below = loss();
        values[i] = value;
        return (above - below) / (2 * STEP);
      });
      assertClose(gradients[name]!, numeric, { rtol: 1e-5, atol: 1e-6, what: `gradient of ${name}` });
    }
  });
}
