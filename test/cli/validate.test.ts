import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { selectEngine } from "../../src/engine";
import { createModel } from "../../src/model/create-model";
import { saveModelFile } from "../../src/predict/model-file";
import { openModel } from "../../src/predict/open-model";
import { assertClose } from "../assert-close";
import { temporaryFolder } from "../data/make-shard";
import { POINTS, tinyConfig, writeTinyData } from "../train/tiny-run";

const bin = join(__dirname, "../../bin/asterolab.js");

function validate(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [bin, "validate", "--engine", "cpu", ...args], { encoding: "utf8" });
}

async function tinyModel(t: TestContext, spec = {}): Promise<{ folder: string; data: string; model: string }> {
  await selectEngine("cpu");
  const folder = temporaryFolder(t);
  const data = writeTinyData(folder, { shards: 2, rows: 30 });
  const path = join(folder, "tiny.pth");
  const config = tinyConfig(data, spec);
  const model = createModel(config, POINTS);
  await saveModelFile(path, { model, config, points: POINTS, calibration: null });
  model.dispose();
  return { folder, data, model: path };
}

test("validate --calibrate fits on one half, reports the other, and writes a model that predictions use", async (t) => {
  const { folder, data, model } = await tinyModel(t);
  const calibrated = join(folder, "calibrated.pth");
  const run = validate("--path", model, "--data", data, "--calibrate", calibrated, "--json");
  assert.equal(run.status, 0, run.stderr);
  const document = JSON.parse(run.stdout);
  assert.equal(document.rows, 30);
  assert.equal(document.calibration.rows, 30);
  const { numax } = document.parameters;
  for (const name of ["loss", "accuracy", "accuracy_within_one", "mae", "coverage68", "coverage95", "prior_loss"]) {
    assert.equal(typeof numax[name], "number", name);
  }
  assert.equal(numax.reliability.nominal.length, 19);
  assertClose(document.loss, numax.loss + document.parameters.inc.loss, { rtol: 1e-12 });
  const opened = await openModel(calibrated);
  t.after(() => opened.model.dispose());
  assert.deepEqual(Object.fromEntries(opened.calibration!.temperatures), document.calibration.temperatures);
  // The file's calibration is applied without being asked for.
  const again = validate("--path", calibrated, "--data", data, "--threads", "1");
  assert.equal(again.status, 0, again.stderr);
  assert.match(again.stderr, /\b1 thread\b/);
  assert.match(
    again.stdout,
    /^parameter .*68 % +95 % +identif\.\nnumax .*\ninc .*\nvalidation loss [\d.]+ over 60 spectra/,
  );
});

test("--filter keeps stars by their labels, and says how many it leaves out", async (t) => {
  const { data, model } = await tinyModel(t);
  const all = JSON.parse(validate("--path", model, "--data", data, "--json").stdout);
  const filtered = validate("--path", model, "--data", data, "--json", "--filter", "numax<150");
  const low = JSON.parse(filtered.stdout);
  const high = JSON.parse(validate("--path", model, "--data", data, "--json", "--filter", "numax >= 150").stdout);
  assert.equal(low.rows + high.rows, all.rows);
  assert.ok(low.rows > 0 && high.rows > 0);
  const counts = `${low.rows} of ${all.rows} spectra of "${data}"\nrows left out: ${high.rows} by the filter\n`;
  assert.ok(filtered.stderr.includes(`\n${counts}`), filtered.stderr);
});

test("requests that cannot be met end with exit code 2 and one line, and write nothing", async (t) => {
  const { folder, data, model } = await tinyModel(t);
  const out = join(folder, "out.pth");
  const refuses = (reason: RegExp, ...args: string[]): void => {
    const { status, stderr } = validate("--path", model, ...args);
    assert.equal(status, 2, stderr);
    assert.match(stderr, reason);
    assert.ok(!existsSync(out));
  };
  refuses(
    /Cannot use --filter "size>3": expected a parameter \(dnu, .*\) or a label column/,
    "--data",
    data,
    "--filter",
    "size>3",
  );
  refuses(/Cannot calibrate on a part of the stars/, "--data", data, "--filter", "inc>3", "--calibrate", out);
  refuses(/Cannot validate ".*tiny\.pth": it was trained on a data set, so --data must name one/);
  refuses(/--days must be a number of days, or two as shortest:longest, got "90:27"/, "--days", "90:27");
});

test("a network trained on values is measured but not calibrated", async (t) => {
  const { folder, data, model } = await tinyModel(t, { loss: "gaussian_nll" });
  const run = validate("--path", model, "--data", data, "--json");
  assert.equal(run.status, 0, run.stderr);
  const document = JSON.parse(run.stdout);
  assert.deepEqual(Object.keys(document.parameters.numax), ["loss", "accuracy", "mae"]);
  const refused = validate("--path", model, "--data", data, "--calibrate", join(folder, "out.pth"));
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /Cannot calibrate ".*": it was trained with loss "gaussian_nll", expected/);
});
