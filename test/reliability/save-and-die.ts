/**
 * Saves checkpoints of epochs 2 to 4 into a folder and is killed on the way, as `kill -9` would: at call number AT to the
 * file system, `before` it, `after` it, or in the middle of what it writes (`torn`).
 *
 * Usage: save-and-die.ts DIR AT before|after|torn; AT beyond the last call lets it end. Prints `saved N` after each save,
 * and the kinds of all calls at the end.
 */

import { closeSync, openSync, writeSync } from "node:fs";
import { saveCheckpoint } from "../../src/checkpoint/checkpoints";
import { stateOf } from "../checkpoint/states";
import { interceptFileCalls } from "./file-calls";

const [dir, at, moment] = process.argv.slice(2) as [string, string, "before" | "after" | "torn"];
const kinds: string[] = [];

function die(): Promise<never> {
  process.kill(process.pid, "SIGKILL");
  return new Promise(() => {});
}

interceptFileCalls(async (call, proceed) => {
  const isHere = kinds.push(call.kind) - 1 === Number(at);
  if (isHere && moment === "before") return die();
  if (isHere && moment === "torn" && call.kind === "write") {
    const file = openSync(call.path, "r+");
    writeSync(file, call.bytes, 0, call.bytes.length >> 1, call.position);
    closeSync(file);
    return die();
  }
  const result = await proceed();
  return isHere ? die() : result;
});

async function main(): Promise<void> {
  for (let epoch = 2; epoch <= 4; epoch++) {
    await saveCheckpoint(dir, stateOf(epoch), { isBest: epoch === 3, isEpochEnd: epoch !== 4, keep: 1 });
    writeSync(1, `saved ${epoch}\n`);
  }
  writeSync(1, `calls ${kinds.join(" ")}\n`);
}

void main();
