/** Every bit of a checkpoint is vouched for: flips them one by one. */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { loadCheckpointFile, saveCheckpoint } from "../../src/checkpoint/checkpoints";
import { scratchFolder } from "../checkpoint/scratch";
import { stateOf } from "../checkpoint/states";

/** Flips `count` bits spread over the last `tailBytes` of a file, one at a time; `Infinity` flips every one. */
export async function flipBits(t: TestContext, count: number, tailBytes = Number.POSITIVE_INFINITY): Promise<void> {
  const dir = scratchFolder(t);
  await saveCheckpoint(dir, stateOf(1), { isBest: false, isEpochEnd: false, keep: 1 });
  const path = join(dir, "checkpoint.pth");
  const bytes = readFileSync(path);
  const bits = 8 * bytes.length;
  const first = Math.max(0, bits - 8 * tailBytes);
  const stride = Math.max(1, (bits - first) / count);
  for (let position = first; position < bits; position += stride) {
    const bit = Math.floor(position);
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    writeFileSync(path, bytes);
    await assert.rejects(loadCheckpointFile(path), { name: "CheckpointError" }, `bit ${bit & 7} of byte ${bit >> 3}`);
    bytes[bit >> 3]! ^= 1 << (bit & 7);
  }
  t.diagnostic(`${Math.ceil((bits - first) / stride)} of ${bits} bits flipped`);
}
