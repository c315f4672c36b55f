import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { loadCheckpointFile } from "../../src/checkpoint";
import { train } from "../../src/train/loop";
import { assertClose } from "../assert-close";
import { temporaryFolder } from "../data/make-shard";
import { skipOf } from "../engines";
import { tinyConfig, writeTinyData } from "./tiny-run";

test("a run goes on on another engine from its checkpoint, to the same weights", {
  skip: skipOf("tensorflow"),
}, async (t) => {
  const data = writeTinyData(temporaryFolder(t));
  const weightsAfter = async (engines: readonly string[]): Promise<Map<string, Float32Array>> => {
    const path = temporaryFolder(t);
    for (const [index, engine] of engines.entries()) {
      const config = tinyConfig(data, { engine, num_epochs: index + 1, schedule: "constant" });
      await train(config, { path, restore: index > 0 });
    }
    const { model } = await loadCheckpointFile(join(path, "model.pth"));
    return new Map([...model].map(([name, { data: values }]) => [name, values as Float32Array]));
  };
  const expected = await weightsAfter(["native", "native", "native"]);
  const moved = await weightsAfter(["tensorflow", "native", "tensorflow"]);
  assert.deepEqual([...moved.keys()], [...expected.keys()]);
  // Adam makes full steps of gradients that are only rounding: single weights may go apart by a step, not all of them.
  for (const [name, values] of expected) {
    const other = moved.get(name)!;
    const far = values.filter((value, index) => !(Math.abs(value - other[index]!) <= 1e-4)).length;
    assert.ok(far <= values.length / 20, `${name}: ${far} of ${values.length} differ`);
  }
  assertClose(moved.get("linear.weight")!, expected.get("linear.weight")!, { atol: 5e-3 });
});
