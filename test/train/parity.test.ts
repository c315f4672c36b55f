import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { readTorchFile } from "../../src/checkpoint/torch-file";
import type { TorchTensor } from "../../src/checkpoint/torch-values";
import { selectEngine } from "../../src/engine";
import type { ModelState } from "../../src/model/state";
import { ENGINES, skipOf } from "../engines";
import { assertParity, GOLDEN_DIR, modelOf, readGolden } from "./golden-parity";

async function torchState(name: string): Promise<ModelState> {
  const state = (await readTorchFile(join(GOLDEN_DIR, `${name}.pth`))) as Map<string, TorchTensor>;
  return new Map([...state].map(([key, { shape, data }]) => [key, { shape, data: data as Float32Array }]));
}

for (const name of ENGINES) {
  test(`fifteen heads with weights made by PyTorch match it in logits, gradient norms and five steps on ${name}`, {
    skip: skipOf(name),
  }, async () => {
    assert.equal((await selectEngine(name)).name, name);
    const golden = readGolden("small");
    const model = modelOf(golden);
    assert.equal(model.parameterCount, golden.parameters);
    const state = await torchState("small");
    assert.deepEqual([...state.keys()], [...model.parameters.keys()]);
    model.loadStateDict(state);
    assertParity(golden, model);
    model.dispose();
  });
}
