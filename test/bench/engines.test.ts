/** Engines side by side, as the command line measures them. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import test from "node:test";
import { benchEngines } from "../../src/bench/engines";
import { skipOf } from "../engines";

const root = join(__dirname, "..", "..");
const NOT_LINUX = process.platform === "linux" ? false : "other systems do not tell the two apart";
const SIZES = { preset: "compact", points: 729, batchSize: 2, threads: 2, rounds: 1, steps: 1 } as const;

test("every engine that runs here is measured, and names itself and its precision", async () => {
  const isTensorflow = !skipOf("tensorflow");
  const choices = [
    { engine: "native" },
    { engine: "cpu" },
    ...(isTensorflow ? [{ engine: "tensorflow" } as const, { engine: "tensorflow", precision: "mixed" } as const] : []),
  ] as const;
  const results = await benchEngines({ ...SIZES, what: "infer", choices });
  assert.equal(results.length, choices.length);
  for (const [index, { engine, precision, bench, problem }] of results.entries()) {
    const choice: { engine: string; precision?: string } = choices[index]!;
    assert.equal(problem, null);
    assert.deepEqual([engine, precision], [choice.engine, choice.precision ?? "float32"]);
    assert.deepEqual([bench!.engine, bench!.precision], [engine, precision]);
    assert.ok(bench!.ours.samples_per_s > 0 && bench!.ours.peak_rss_mb > 0);
    assert.ok(bench!.ours.name.startsWith(engine), bench!.ours.name);
    assert.equal(bench!.ours.name.includes("mixed"), precision === "mixed");
    assert.equal(bench!.yardsticks === null, engine !== "native");
  }
});

test("the memory of an engine is its own, not that of the process which starts it", { skip: NOT_LINUX }, async () => {
  const held = Buffer.alloc(1e9, 1);
  const [native] = await benchEngines({ ...SIZES, what: "infer", choices: [{ engine: "native" }] });
  assert.equal(held.length, 1e9);
  assert.ok(native!.bench!.ours.peak_rss_mb < 600, `${native!.bench!.ours.peak_rss_mb} MB`);
});

test("an engine that cannot be measured says why, and the others are", async () => {
  const choices = [{ engine: "native", precision: "mixed" }, { engine: "native" }] as const;
  const [refused, measured] = await benchEngines({ ...SIZES, what: "train", choices });
  assert.equal(refused!.bench, null);
  assert.match(refused!.problem!, /Setting "precision" is "mixed": only the engine tensorflow computes so, engine is/);
  assert.equal(measured!.problem, null);
  assert.equal(measured!.bench!.what, "train");
});

test("the command line refuses an engine or a precision that does not exist", () => {
  for (const [flag, value, known] of [
    ["--engine", "gpu", "auto, native, tensorflow, cpu"],
    ["--precision", "half", "float32, mixed"],
  ] as const) {
    const command = [join(root, "bin", "asterolab.js"), "bench", "train", flag, value];
    const { status, stderr } = spawnSync(process.execPath, command, { encoding: "utf8" });
    assert.equal(status, 2);
    assert.ok(
      stderr.includes(`'${flag} <name>' argument '${value}' is invalid. Allowed choices are ${known}.`),
      stderr,
    );
  }
});
