/** Disks that are full or read-only at any moment of a save: one line that says so, and the last checkpoint stays. */

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import test from "node:test";
import { loadNewestCheckpoint, saveCheckpoint } from "../../src/checkpoint/checkpoints";
import { CheckpointError } from "../../src/errors";
import { scratchFolder } from "../checkpoint/scratch";
import { stateOf } from "../checkpoint/states";
import { interceptFileCalls } from "./file-calls";

const END = { isBest: true, isEpochEnd: true, keep: 2 };

for (const [code, words] of [
  ["ENOSPC", "no space left on the disk"],
  ["EROFS", "the file system is read-only"],
  ["EIO", "the disk reported an error"],
] as const) {
  test(`${code} at any call of a save is reported, and what was saved before stays`, async (t) => {
    let isRefused = true;
    let refusals = -1;
    for (let at = 0; isRefused; at++, refusals++) {
      const dir = scratchFolder(t);
      await saveCheckpoint(dir, stateOf(1), END);
      let count = 0;
      const stop = interceptFileCalls(async (call, proceed) => {
        // What is given up must still be removable.
        if (call.kind !== "remove" && count++ === at) {
          throw Object.assign(new Error(`${code}: refused`), { code, syscall: call.kind });
        }
        return proceed();
      });
      const error = await saveCheckpoint(dir, stateOf(2), END).then(
        () => null,
        (reason) => reason as Error,
      );
      stop();
      isRefused = count > at;
      const newest = await loadNewestCheckpoint(dir);
      // A folder that cannot be synced is told of after the renames: the new state is there, only not safe yet.
      const epoch = newest!.state!.epoch;
      assert.ok(epoch === 1 || epoch === 2);
      assert.deepStrictEqual(newest!.state, stateOf(epoch));
      // Without hard links the file is copied: that one refusal is no error.
      if (error !== null) {
        assert.ok(error instanceof CheckpointError, error.stack);
        assert.ok(error.message.endsWith(`": ${words}`), error.message);
      }
      assert.deepEqual(
        readdirSync(dir).filter((name) => name.includes(".tmp-")),
        [],
      );
    }
    t.diagnostic(`${refusals} calls refused`);
    assert.ok(refusals > 20);
  });
}

const canMount = spawnSync("unshare", ["-rm", "mount", "-t", "tmpfs", "none", "/mnt"]).status === 0;
const skip = canMount ? false : "no unshare to mount a small disk with";

/** Runs a script on a file system of its own; `$1` is its folder. */
function onSmallDisk(dir: string, size: string, script: string): unknown {
  const mount = `mount -t tmpfs -o size=${size} none "$1" && exec "$2" --require ts-node/register -e "$3" "$1"`;
  const output = execFileSync("unshare", ["-rm", "sh", "-c", mount, "sh", dir, process.execPath, script], {
    encoding: "utf8",
  });
  return JSON.parse(output);
}

const SAVE = `
  const { saveCheckpoint, loadNewestCheckpoint } = require("./src/checkpoint/checkpoints");
  const { stateOf } = require("./test/checkpoint/states");
  const { execFileSync } = require("node:child_process");
  const { writeFileSync, readdirSync, rmSync } = require("node:fs");
  const [dir] = process.argv.slice(1);
  const save = (epoch) => saveCheckpoint(dir, stateOf(epoch), { isBest: false, isEpochEnd: true, keep: 2 });
  const attempt = (epoch) => save(epoch).then(() => "saved", (error) => error.message);
  const newest = async () => (await loadNewestCheckpoint(dir)).state.epoch;`;

test("on a disk that fills up, saving fails in words and works again when there is room", { skip }, (t) => {
  const dir = scratchFolder(t);
  const result = onSmallDisk(
    dir,
    "96k",
    `${SAVE}
    (async () => {
      await save(1);
      const fill = dir + "/filler";
      try { writeFileSync(fill, Buffer.alloc(1 << 20)); } catch {}
      const full = [await attempt(2), await newest(), readdirSync(dir).sort()];
      rmSync(fill);
      console.log(JSON.stringify([...full, await attempt(2), await newest()]));
    })();`,
  );
  const message = `Cannot write "${dir}/checkpoint-2.pth": no space left on the disk`;
  assert.deepEqual(result, [message, 1, ["checkpoint-1.pth", "checkpoint.pth", "filler"], "saved", 2]);
});

test("on a disk that becomes read-only, saving fails in words and the last checkpoint loads", { skip }, (t) => {
  const dir = scratchFolder(t);
  const result = onSmallDisk(
    dir,
    "1m",
    `${SAVE}
    (async () => {
      await save(1);
      execFileSync("mount", ["-o", "remount,ro", dir]);
      console.log(JSON.stringify([await attempt(2), await newest()]));
    })();`,
  );
  assert.deepEqual(result, [`Cannot write "${dir}/checkpoint-2.pth": the file system is read-only`, 1]);
});
