/** Atomic writes: all or nothing, errors in words, and what a killed process leaves behind. */

import assert from "node:assert/strict";
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { promises as fs, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { promisify } from "node:util";
import { writeAtomically } from "../../src/checkpoint/atomic";
import { CheckpointError } from "../../src/errors";
import { removeAbandoned } from "../../src/files";
import { scratchFolder } from "./scratch";

const fill = (text: string) => async (file: fs.FileHandle) => void (await file.write(text));

function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${code}: words of the system, ${syscall}`), { code, syscall });
}

test("replaces every name with the new content", async (t) => {
  const dir = scratchFolder(t);
  const paths = ["a", "b", "c"].map((name) => join(dir, name)) as [string, string, string];
  writeFileSync(paths[1], "old");
  for (const text of ["new", "newer"]) {
    await writeAtomically(paths, fill(text));
    assert.deepEqual(
      paths.map((path) => readFileSync(path, "utf8")),
      [text, text, text],
    );
  }
  assert.deepEqual(readdirSync(dir), ["a", "b", "c"]);
});

test("copies where there are no hard links", async (t) => {
  const dir = scratchFolder(t);
  t.mock.method(fs, "link", async () => {
    throw systemError("EPERM", "link");
  });
  await writeAtomically([join(dir, "a"), join(dir, "b")], fill("new"));
  assert.deepEqual([readFileSync(join(dir, "a"), "utf8"), readFileSync(join(dir, "b"), "utf8")], ["new", "new"]);
  assert.equal(statSync(join(dir, "a")).nlink, 1);
  assert.deepEqual(readdirSync(dir), ["a", "b"]);
});

test("the file is synced before it is renamed, the folder after", async (t) => {
  const dir = scratchFolder(t);
  const order: string[] = [];
  const { open, rename } = fs;
  t.mock.method(fs, "open", async (path: string, flags: string) => {
    const handle = await open(path, flags);
    const { sync } = handle;
    t.mock.method(handle, "sync", async () => {
      order.push(path === dir ? "sync folder" : "sync file");
      await sync.call(handle);
    });
    return handle;
  });
  t.mock.method(fs, "rename", async (from: string, to: string) => {
    order.push("rename");
    await rename(from, to);
  });
  await writeAtomically([join(dir, "a")], fill("new"));
  assert.deepEqual(order, ["sync file", "rename", "sync folder"]);
});

const refusals: readonly [code: string, text: string][] = [
  ["ENOSPC", "no space left on the disk"],
  ["EDQUOT", "the disk quota is used up"],
  ["EROFS", "the file system is read-only"],
  ["EACCES", "permission denied"],
  ["EWEIRD", "EWEIRD: words of the system, write"],
];

for (const [code, text] of refusals) {
  test(`${code} while writing becomes one line, and the old file stays`, async (t) => {
    const dir = scratchFolder(t);
    const path = join(dir, "a");
    writeFileSync(path, "old");
    const writing = writeAtomically([path], async (file) => {
      await file.write("half");
      throw systemError(code, "write");
    });
    await assert.rejects(writing, { name: "CheckpointError", message: `Cannot write "${path}": ${text}`, path });
    assert.equal(readFileSync(path, "utf8"), "old");
    assert.deepEqual(readdirSync(dir), ["a"]);
  });
}

for (const step of ["open", "rename"] as const) {
  test(`an error of ${step} leaves nothing behind`, async (t) => {
    const dir = scratchFolder(t);
    t.mock.method(fs, step, async () => {
      throw systemError("EROFS", step);
    });
    await assert.rejects(writeAtomically([join(dir, "a"), join(dir, "b")], fill("new")), CheckpointError);
    assert.deepEqual(readdirSync(dir), []);
  });
}

const canMount = spawnSync("unshare", ["-rm", "mount", "-t", "tmpfs", "none", "/mnt"]).status === 0;

test("a full disk leaves the old checkpoint and nothing else", {
  skip: canMount ? false : "no unshare to mount a small disk with",
}, (t) => {
  const dir = scratchFolder(t);
  const script = `
    const { writeTorchFile } = require("./src/checkpoint/torch-file");
    const { readdirSync } = require("node:fs");
    const [dir] = process.argv.slice(1);
    writeTorchFile(dir + "/a.pth", 1)
      .then(() => writeTorchFile(dir + "/a.pth", "x".repeat(1 << 20)))
      .catch((error) => console.log(JSON.stringify([error.name, error.message, readdirSync(dir)])));`;
  const mount = 'mount -t tmpfs -o size=256k none "$1" && exec "$2" --require ts-node/register -e "$3" "$1"';
  const output = execFileSync("unshare", ["-rm", "sh", "-c", mount, "sh", dir, process.execPath, script], {
    encoding: "utf8",
  });
  const message = `Cannot write "${dir}/a.pth": no space left on the disk`;
  assert.deepEqual(JSON.parse(output), ["CheckpointError", message, ["a.pth"]]);
});

test("a program's error passes through, and the temporary file goes", async (t) => {
  const dir = scratchFolder(t);
  const error = new TypeError("not this value");
  await assert.rejects(
    writeAtomically([join(dir, "a")], async () => {
      throw error;
    }),
    error,
  );
  assert.deepEqual(readdirSync(dir), []);
});

test("temporary files of dead processes of this machine are removed, others stay", async (t) => {
  const dir = scratchFolder(t);
  const machine = hostname().replace(/[^\w.]/g, "_");
  // A process that has just ended: its number is free.
  const ended = promisify(execFile)(process.execPath, ["-e", ""]);
  const pid = ended.child.pid!;
  await ended;
  const dead = [`a.pth.tmp-${machine}-${pid}-0`, `a.pth.tmp-${machine}-${process.pid}-9999`];
  const kept = ["a.pth", `a.pth.tmp-${machine}-${process.ppid}-0`, `a.pth.tmp-another-${machine}-${pid}-0`, "a.tmp-1"];
  for (const name of [...dead, ...kept]) writeFileSync(join(dir, name), "");
  await writeAtomically([join(dir, "b")], async () => {
    assert.deepEqual((await removeAbandoned(dir)).sort(), [...dead].sort());
  });
  assert.deepEqual(readdirSync(dir).sort(), [...kept, "b"].sort());
});
