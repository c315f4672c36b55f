import assert from "node:assert/strict";
import test from "node:test";
import { selectEngine } from "../../src/engine";
import { assertParity, modelOf, readGolden, stateByFormula } from "./golden-parity";

test("the reference network at 35692 points matches PyTorch in logits, gradient norms and five steps on native", async () => {
  assert.equal((await selectEngine("native")).name, "native");
  const golden = readGolden("full");
  const model = modelOf(golden);
  assert.equal(model.parameterCount, 16_366_044);
  model.loadStateDict(stateByFormula(model, golden.seed));
  assertParity(golden, model);
  model.dispose();
});
