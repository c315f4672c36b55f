import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { engineLines, selectEngine } from "../../src/engine";
import { loadAddon } from "../../src/engine/native/addon";
import { projectRoot } from "../../src/version";

test("auto takes the native engine where no GPU is, and says why", async () => {
  const engine = await selectEngine("auto");
  assert.equal(engine.name, "native");
  assert.equal(tf.getBackend(), "native");
  assert.equal(engine.threads, availableParallelism());
  assert.match(engine.describe(), /^native \(\d+ threads?, (portable|avx2|avx512)\): no GPU engine is installed$/);
  assert.equal(engine.warning, undefined);
});

test("the number of threads is the setting's", async () => {
  const engine = await selectEngine("native", { threads: 3 });
  assert.equal(engine.threads, 3);
  assert.equal(loadAddon().threads(), 3);
  assert.equal((await selectEngine("native", { threads: null })).threads, availableParallelism());
});

test("where a process may not have so many threads, the engine computes on those it gets, and says so", (t) => {
  if (process.platform !== "linux") return t.skip("the limit is set as Linux sets it");
  const script = `
    const { selectEngine } = require("./src/engine");
    selectEngine("native", { threads: 3000 }).then((engine) => console.log(engine.threads, engine.describe()));`;
  const limited = `ulimit -v 8000000 && exec "${process.execPath}" --require ts-node/register --eval '${script}'`;
  const { stdout, stderr, status } = spawnSync("bash", ["-c", limited], { cwd: projectRoot, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  assert.match(
    stdout,
    /^(\d+) native \(\1 threads, \w+\): chosen by the engine setting; of 3000 threads the system starts no more than \1\n$/,
  );
});

test("the cpu engine works, with a warning", async () => {
  const engine = await selectEngine("cpu");
  assert.equal(tf.getBackend(), "cpu");
  assert.match(engine.warning ?? "", /hundreds of times slower than native; run `npm run setup`/);
  assert.deepEqual(engineLines(engine), [`engine ${engine.describe()}`, `warning: ${engine.warning}`]);
  assert.match(engine.describe(), /^cpu \(plain tfjs 4\.22\.0, 1 thread\): chosen by the engine setting$/);
});

test("an impossible number of threads is refused", async () => {
  for (const threads of [0, -1, 1.5, Number.NaN, 4097]) {
    await assert.rejects(selectEngine("native", { threads }), {
      name: "RangeError",
      message: `Cannot select an engine: threads must be an integer from 1 to 4096, got ${threads}`,
    });
  }
});

test("the tensorflow engine says what is missing, and leaves the engine in use alone", async () => {
  await selectEngine("native");
  try {
    await selectEngine("tensorflow");
    assert.equal(tf.getBackend(), "tensorflow"); // installed here: nothing is missing
  } catch (error) {
    assert.match(
      (error as Error).message,
      /^Cannot use the tensorflow engine: @tensorflow\/tfjs-node-gpu must be installed/,
    );
    assert.ok(!(error as Error).message.includes("\n"));
    assert.equal(tf.getBackend(), "native");
  }
});

test("an addon that is not built, or broken, is an error that names the file and the command", () => {
  const folder = mkdtempSync(join(tmpdir(), "asterolab-"));
  try {
    const missing = join(folder, "missing.node");
    assert.throws(() => loadAddon(missing), {
      message: `Cannot use the native engine: ${missing} must be built first; run \`npm run setup\``,
    });
    const broken = join(folder, "broken.node");
    writeFileSync(broken, "not an addon");
    assert.throws(
      () => loadAddon(broken),
      ({ message }: Error) =>
        message.startsWith(`Cannot use the native engine: ${broken} does not load (`) &&
        message.endsWith("); run `npm run build:native`"),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
