import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { saveWeights } from "../../src/checkpoint";
import { projectRoot } from "../../src/version";
import { temporaryFolder } from "../data/make-shard";

function asterolab(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(projectRoot, "bin/asterolab.js"), ...args], {
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

test("convert writes the other format, prints its path, and ends with the exit code that says what happened", async (t) => {
  const folder = temporaryFolder(t);
  const [from, to, wrong] = ["a.pth", "a.safetensors", "a.txt"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await saveWeights(from, new Map([["w", { shape: [3], data: Float32Array.of(1, 2, 3) }]]), null);
  assert.deepEqual(asterolab("convert", from, to), {
    status: 0,
    stdout: `${to}\n`,
    stderr: `3 parameters from "${from}"\n`,
  });
  assert.ok(existsSync(to));
  assert.deepEqual(asterolab("convert", from, wrong), {
    status: 2,
    stdout: "",
    stderr: `asterolab: Cannot convert "${wrong}": expected a name that ends in .pth, .safetensors or .json (tfjs)\n`,
  });
  assert.deepEqual(asterolab("convert", join(folder, "b.pth"), to), {
    status: 2,
    stdout: "",
    stderr: `asterolab: Cannot load checkpoint "${join(folder, "b.pth")}": no such file or folder\n`,
  });
  const { status, stderr } = asterolab("convert", from, join(folder, "model.json"));
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^asterolab: Cannot load checkpoint ".*a\.pth": it has no (conv1|lstm1|linear)\S*, expected a CNN-LSTM-Dense network\n$/,
  );
});
