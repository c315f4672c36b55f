/** A disk that fills up, stood in for by a limit on the size of files: the write fails in the same place. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { mkdirP } from "../../src/data/files";
import { temporaryFolder } from "./make-shard";

const root = join(__dirname, "../..");

/** Runs `body` (TypeScript's output, after imports of `npy` and `files`) in a process that may write 100 KiB a file. */
function runLimited(body: string): string {
  const script = `require("ts-node/register");
    const { NpyWriter } = require("./src/data/npy");
    const { writeFileAtomic } = require("./src/data/files");
    (async () => { ${body} })().catch((error) => console.log(error.name + ": " + error.message));`;
  const limited = `trap '' XFSZ; ulimit -f 100; exec "$0" -e "$1"`;
  const { stdout, stderr } = spawnSync("bash", ["-c", limited, process.execPath, script], {
    cwd: root,
    encoding: "utf8",
  });
  assert.equal(stderr, "");
  return stdout.trim();
}

test("a shard that does not fit leaves nothing behind and says why", (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "data_000.npy");
  const output = runLimited(`
    const writer = await NpyWriter.create(${JSON.stringify(path)}, { rows: 100, columns: 1000 });
    for (let row = 0; row < 100; row++) await writer.write(new Float32Array(1000));
    await writer.finish();`);
  assert.equal(output, `DataError: Cannot write "${path}": the file would exceed the largest size allowed here`);
  assert.deepEqual(readdirSync(folder), []);
});

test("a file that does not fit leaves the old one as it was", (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "dataset.json");
  writeFileSync(path, "old");
  const output = runLimited(`await writeFileAtomic(${JSON.stringify(path)}, "x".repeat(200000));`);
  assert.equal(output, `DataError: Cannot write "${path}": the file would exceed the largest size allowed here`);
  assert.deepEqual(readdirSync(folder), ["dataset.json"]);
  assert.equal(readFileSync(path, "utf8"), "old");
});

test("mkdirP makes a folder with its parents, and again, but not over a file", (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "a/b/c");
  mkdirP(path);
  mkdirP(path);
  assert.ok(existsSync(path));
  mkdirSync(join(folder, "d"));
  writeFileSync(join(folder, "file"), "");
  for (const blocked of [join(folder, "file"), join(folder, "file/below")]) {
    assert.throws(() => mkdirP(blocked), {
      name: "DataError",
      message: `Cannot make folder "${blocked}": a file is in the way`,
      isRequest: true,
    });
  }
});

test("mkdirP comes to an end where the system makes no folder below one that is there", {
  skip: process.platform !== "linux" && "it takes a /proc",
}, () => {
  // As an automounter does for a machine or a user that does not exist. Node's own recursion would go on for ever.
  const script = `require("ts-node/register"); require("./src/data/files").mkdirP("/proc/nowhere/data");`;
  const { status, signal, stderr } = spawnSync(process.execPath, ["-e", script], {
    cwd: root,
    encoding: "utf8",
    timeout: 20_000,
  });
  assert.deepEqual([status, signal], [1, null]);
  assert.match(stderr, /DataError: Cannot make folder "\/proc\/nowhere\/data": no such file or folder\n/);
});
