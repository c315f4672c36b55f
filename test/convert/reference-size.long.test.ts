/** The reference network at full length, through a browser's tfjs: one spectrum, one thread of JavaScript. */

import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { saveCheckpoint } from "../../src/checkpoint";
import { PRESETS } from "../../src/config";
import { convert } from "../../src/convert";
import { POINTS } from "../../src/data/grid";
import { selectEngine } from "../../src/engine";
import { temporaryFolder } from "../data/make-shard";
import { compareLogits } from "./compare-logits";
import { networkState } from "./networks";

test("stock tfjs gives our logits for the reference network", { timeout: 3600_000 }, async (t) => {
  const folder = temporaryFolder(t);
  await selectEngine("native");
  await saveCheckpoint(folder, networkState(PRESETS.default, POINTS), { isBest: false, isEpochEnd: false, keep: 1 });
  const { parameterCount } = await convert(join(folder, "checkpoint.pth"), join(folder, "model.json"));
  assert.ok(parameterCount > 16e6);
  await compareLogits(t, folder, { points: POINTS, rows: 1, atol: 1e-4 });
});
