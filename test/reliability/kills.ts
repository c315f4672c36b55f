/** Kills a process that writes checkpoints, and judges what it leaves. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadCheckpointFile, loadNewestCheckpoint, saveCheckpoint } from "../../src/checkpoint/checkpoints";
import { stateOf } from "../checkpoint/states";

export type Moment = "before" | "after" | "torn";

/** Kinds of the calls to the file system that the writer makes when nobody kills it. */
export async function callsOfWriter(): Promise<string[]> {
  const { output } = await inFolder((dir) => runWriter(dir, 1e9, "before"));
  return /calls (.*)/.exec(output)![1]!.split(" ");
}

/** Kills the writer at one call, then checks that the folder holds what was saved, whole, and that a run goes on. */
export async function killAndCheck(at: number, moment: Moment): Promise<void> {
  await inFolder(async (dir) => {
    await saveCheckpoint(dir, stateOf(1), { isBest: true, isEpochEnd: true, keep: 1 });
    const { output, signal } = await runWriter(dir, at, moment);
    const where = `killed ${moment} call ${at}`;
    assert.equal(signal, "SIGKILL", where);
    const promised = Math.max(1, ...[...output.matchAll(/saved (\d)/g)].map(([, epoch]) => Number(epoch)));

    const damaged: string[] = [];
    const newest = await loadNewestCheckpoint(dir, { onDamaged: (line) => damaged.push(line), setAside: true });
    assert.deepEqual(damaged, [], where);
    const { epoch } = newest!.state!;
    assert.ok(epoch >= promised && epoch <= 4, `${where}: epoch ${epoch} was found, ${promised} had been saved`);
    assert.deepStrictEqual(newest!.state, stateOf(epoch), where);
    for (const name of readdirSync(dir).filter((file) => file.endsWith(".pth"))) {
      const { state } = await loadCheckpointFile(join(dir, name));
      assert.deepStrictEqual(state, stateOf(state!.epoch), `${where}: ${name}`);
    }
    // A link or copy of the best may be ahead of checkpoint.pth, never behind the best that was saved.
    const best = await loadCheckpointFile(join(dir, "is_best.pth"));
    assert.ok(best.epoch! >= (promised >= 3 ? 3 : 1), where);

    await saveCheckpoint(dir, stateOf(5), { isBest: false, isEpochEnd: true, keep: 1 });
    assert.deepEqual(readdirSync(dir).sort(), ["checkpoint-5.pth", "checkpoint.pth", "is_best.pth"], where);
  });
}

async function runWriter(dir: string, at: number, moment: Moment): Promise<{ output: string; signal: string | null }> {
  const writer = spawn(
    process.execPath,
    ["--require", "ts-node/register", join(__dirname, "save-and-die.ts"), dir, String(at), moment],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let output = "";
  writer.stdout.setEncoding("utf8").on("data", (text) => {
    output += text;
  });
  const signal = await new Promise<string | null>((resolve) => writer.on("close", (_code, name) => resolve(name)));
  return { output, signal };
}

async function inFolder<T>(action: (dir: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), "asterolab-kill-"));
  try {
    return await action(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
