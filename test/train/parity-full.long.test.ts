import assert from "node:assert/strict";
import test from "node:test";
import { selectEngine } from "../../src/engine";
import { skipOf } from "../engines";
import { assertParity, modelOf, readGolden, stateByFormula } from "./golden-parity";

const skip = skipOf("tensorflow");

test("the reference network at 35692 points matches PyTorch in logits, gradient norms and five steps on tensorflow", {
  skip,
}, async () => {
  assert.equal((await selectEngine("tensorflow")).name, "tensorflow");
  const golden = readGolden("full");
  const model = modelOf(golden);
  model.loadStateDict(stateByFormula(model, golden.seed));
  assertParity(golden, model);
  model.dispose();
});
