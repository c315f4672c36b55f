import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { before } from "node:test";
import { TorchTensor, writeTorchFile } from "../../src/checkpoint";
import { parseConfig } from "../../src/config";
import { POINTS, STEP_UHZ } from "../../src/data/grid";
import { selectEngine } from "../../src/engine";
import { createModel } from "../../src/model/create-model";
import type { Prediction } from "../../src/predict";
import { assertClose } from "../assert-close";
import { shardRow, temporaryFolder, writeNpy } from "../data/make-shard";

const bin = join(__dirname, "../../bin/asterolab.js");

function predict(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [bin, "predict", ...args], { encoding: "utf8" });
}

before(() => selectEngine("cpu"));

test("a star and a shard are predicted as a table, as JSON with logits, and as CSV", async (t) => {
  const folder = temporaryFolder(t);
  const [weights, star, shard, csv] = ["weights.pth", "star.txt", "data_000.npy", "tables/out.csv"].map((name) =>
    join(folder, name),
  );
  const settings = {
    heads: ["dnu", "epg"],
    filters: [2, 2, 2, 2, 2, 2],
    kernel_size: 3,
    lstm_units: [4, 4],
    dense_units: 8,
  };
  const model = createModel(parseConfig("reference", settings), POINTS);
  const tensors = [...model.stateDict()].map(
    ([name, { shape, data }]) => [name, new TorchTensor("float32", shape, data as Float32Array)] as const,
  );
  await writeTorchFile(weights!, new Map(tensors));
  // The star in a file of the full grid equals the shard's second row.
  const row = (scale: number): number[] =>
    shardRow(POINTS, scale).map((value, bin) => (bin < POINTS ? 1 + ((value * 7919) % 13) : value));
  writeNpy(shard!, [row(1), row(3)]);
  const lines = row(3)
    .slice(0, POINTS)
    .map((power, bin) => `${((291 + bin) * STEP_UHZ).toFixed(6)} ${Math.fround(power)}`);
  writeFileSync(star!, `# frequency_uHz power\n${lines.join("\n")}\n`);

  const json = predict("--model", weights!, star!, shard!, "--json", "--logits", "--csv", csv!);
  assert.equal(json.status, 0, json.stderr);
  const predictions = JSON.parse(json.stdout) as Prediction[];
  assert.deepEqual(
    predictions.map(({ input }) => input),
    [star, `${shard}[0]`, `${shard}[1]`],
  );
  const { dnu } = predictions[0]!.parameters;
  assert.deepEqual(
    Object.keys(dnu!).sort(),
    "interval68 interval95 logits mean median mode probabilities unit".split(" "),
  );
  assert.equal(dnu!.probabilities.length, 180);
  assertClose(
    dnu!.probabilities.reduce((a, b) => a + b),
    1,
    { rtol: 1e-12 },
  );
  assert.deepEqual(predictions[2]!.parameters, predictions[0]!.parameters);
  assert.notDeepEqual(predictions[1]!.parameters.dnu!.logits, dnu!.logits);
  assert.equal(readFileSync(csv!, "utf8").trim().split("\n").length, 4);

  // One bad file among others is named, and the others are predicted.
  writeFileSync(csv!, "frequency_uHz power\n1 x\n");
  const partly = predict("--model", weights!, csv!, star!, "--json");
  assert.equal(partly.status, 1);
  assert.match(
    partly.stderr,
    /asterolab: Cannot read ".*out\.csv": line 2 is "1 x", expected a frequency and a power\nasterolab: 1 not used, 1 predicted\n$/,
  );
  assert.deepEqual(
    (JSON.parse(partly.stdout) as Prediction[]).map(({ input }) => input),
    [star],
  );
  const none = predict("--model", weights!, csv!, "--json", "--engine", "cpu");
  assert.deepEqual([none.status, none.stdout], [1, ""]);
  assert.match(
    none.stderr,
    /^engine cpu .*\nwarning: The cpu engine computes in plain JavaScript.*\n(.*\n)*asterolab: Cannot read ".*out\.csv": line 2 is "1 x", expected a frequency and a power\n$/,
  );

  // In a folder, what is no star is named and left out, and the work has not failed.
  const stars = join(folder, "stars");
  mkdirSync(stars);
  copyFileSync(star!, join(stars, "star.txt"));
  const catalogue = join(stars, "stars.csv");
  writeFileSync(catalogue, "kic,file\n6117517,star.txt\n");
  const beside = predict("--model", weights!, stars, "--json");
  assert.equal(beside.status, 0, beside.stderr);
  assert.ok(
    beside.stderr.endsWith(
      `asterolab: skipped: Cannot read "${catalogue}": line 2 is "6117517,star.txt", expected a frequency and a power\n`,
    ),
    beside.stderr,
  );
  assert.deepEqual(
    (JSON.parse(beside.stdout) as Prediction[]).map(({ input }) => input),
    [join(stars, "star.txt")],
  );
  rmSync(join(stars, "star.txt"));
  const alone = predict("--model", weights!, stars, "--json");
  assert.deepEqual([alone.status, alone.stdout], [1, ""]);
  assert.match(alone.stderr, /\nasterolab: Cannot read ".*stars\.csv": line 2 is /);

  const pages = join(folder, "pages");
  const named = join(folder, "stärn 1.psd");
  copyFileSync(star!, named);
  const table = predict("--model", weights!, star!, `${shard}[1]`, named, "--figure", pages, "--threads", "1");
  assert.equal(table.status, 0, table.stderr);
  assert.match(table.stderr, /\b1 thread\b/);
  assert.match(
    table.stdout,
    /^.*star\.txt\n(?: {2}[(A-Z].*\n)* +median.*68 %.*95 %.*mode.*unit\n {2}dnu .* µHz\n {2}epg /,
  );
  assert.deepEqual(readdirSync(pages).sort(), ["data_000_1.svg", "star.svg", "stärn_1.svg"]);
});

test("a request that cannot be met ends with exit code 2, one line, and no file", (t) => {
  const folder = temporaryFolder(t);
  const csv = join(folder, "out.csv");
  const absent = predict("--model", join(folder, "none.pth"), "star.txt", "--csv", csv);
  assert.equal(absent.status, 2);
  assert.equal(absent.stdout, "");
  assert.match(
    absent.stderr,
    /^asterolab: Cannot open model ".*none\.pth": no such file or folder; expected a run folder or a \.pth file\n$/,
  );
  assert.equal(existsSync(csv), false);
  const logits = predict("--model", folder, "star.txt", "--logits");
  assert.equal(logits.status, 2);
  assert.match(logits.stderr, /^asterolab: Cannot show logits in a table: --logits needs --json\n$/);
});
