import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { type ConfigSpec, PRESETS, type PresetName, parseAssignment, parseConfig, readConfigFile } from "../src/config";
import { HEAD_NAMES } from "../src/data/parameters";
import { ConfigError } from "../src/errors";

/** The problems that parsing `specs` over the default preset reports. */
function problemsOf(...specs: ConfigSpec[]): readonly string[] {
  try {
    parseConfig("default", ...specs);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    assert.equal(error.message, error.problems.join("\n"));
    return error.problems;
  }
  throw new Error("expected a ConfigError");
}

test("every preset parses to itself", () => {
  for (const name of Object.keys(PRESETS) as PresetName[]) assert.deepEqual(parseConfig(name), PRESETS[name]);
});

test("the reference preset holds the original's choices", () => {
  const config = parseConfig("reference");
  assert.deepEqual(config.heads, ["dnu", "dp", "q", "acr", "aer", "a3", "inc"]);
  assert.deepEqual(config.filters, [16, 32, 64, 128, 256, 512]);
  assert.deepEqual(config.lstm_units, [256, 512]);
  assert.deepEqual(
    [config.num_batchsize, config.num_epochs, config.learning_rate, config.max_lr, config.steps_per_epoch],
    [1024, 50, 1e-4, 5e-4, 20],
  );
  assert.deepEqual(config.filter, [{ column: "inc", op: ">=", value: 0.45 }]);
  assert.equal(config.rows_per_shard, 4336);
});

test("later specs win and objects are merged key by key", () => {
  const config = parseConfig("compact", { num_epochs: 3, validation: { shards: 2 } }, parseAssignment("num_epochs=4"));
  assert.equal(config.num_epochs, 4);
  assert.deepEqual(config.validation, { shards: 2, data_dir: null, every_epochs: 1 });
  assert.deepEqual(config.heads, HEAD_NAMES);
});

test("an assignment reads JSON where it parses and strings otherwise", () => {
  assert.deepEqual(parseAssignment("num_epochs=3"), { num_epochs: 3 });
  assert.deepEqual(parseAssignment("data_dir=a=b"), { data_dir: "a=b" });
  assert.deepEqual(parseAssignment('heads=["dnu"]'), { heads: ["dnu"] });
  assert.deepEqual(parseAssignment("validation.shards=1"), { validation: { shards: 1 } });
  assert.throws(() => parseAssignment("num_epochs"), {
    name: "ConfigError",
    message: 'Cannot parse "--set num_epochs": expected key=value',
  });
});

test("an unknown setting is refused with the nearest known one", () => {
  assert.deepEqual(problemsOf({ num_epoch: 3 }), ['Unknown setting "num_epoch"; did you mean "num_epochs"?']);
  assert.deepEqual(problemsOf({ validation: { shard: 1 } }), [
    'Unknown setting "validation.shard"; did you mean "validation.shards"?',
  ]);
});

test("an unknown setting of an optional object or of a list is refused with the nearest known one too", () => {
  assert.deepEqual(problemsOf({ simulate: { spectr: 5 } }), [
    'Unknown setting "simulate.spectr"; did you mean "simulate.spectra"?',
  ]);
  assert.deepEqual(problemsOf({ early_stopping: { patience: 2, min_delta: 0, wait: 1 } }), [
    'Unknown setting "early_stopping.wait"; did you mean "early_stopping.patience"?',
  ]);
  assert.deepEqual(problemsOf({ filter: [{ column: "inc", op: "<", value: 1, colum: 2 }] }), [
    'Unknown setting "filter.0.colum"; did you mean "filter.0.column"?',
  ]);
});

test("settings of several forms are refused with the forms that they may have", () => {
  const forms =
    'expected at least 3 ascending numbers, or a rule such as {"from": 1, "to": 19, "classes": 180, "spacing": "linear"} ' +
    'with from below to (above 0 for "log") and 2 to 10000 classes';
  assert.deepEqual(problemsOf({ edges: { dnu: 5 } }), [`Setting "edges.dnu" is 5: ${forms}`]);
  const rule = { from: 2, to: 1, classes: 5, spacing: "linear" };
  assert.deepEqual(problemsOf({ edges: { dnu: rule } }), [`Setting "edges.dnu" is ${JSON.stringify(rule)}: ${forms}`]);
  assert.deepEqual(problemsOf({ filter: [{ column: "dnx", op: "<", value: 1 }] }), [
    `Setting "filter.0.column" is "dnx": expected a label column from 0 to 35, or one of ${HEAD_NAMES.join(", ")}`,
  ]);
});

test("numbers of threads and classes beyond what can be are refused", () => {
  assert.match(problemsOf({ threads: 4097 })[0]!, /^Setting "threads" is 4097: .*4096/);
  // Classes are kept in 16 bits.
  const edges = Array.from({ length: 10_002 }, (_, edge) => edge);
  assert.match(problemsOf({ edges: { dnu: edges } })[0]!, /^Setting "edges\.dnu" is .*10001/);
  assert.equal(parseConfig("default", { edges: { dnu: edges.slice(1) } }).edges.dnu!.length, 10_001);
});

test("a setting cannot hide behind a name that JavaScript gives a meaning", () => {
  assert.match(problemsOf(parseAssignment("__proto__.num_epochs=3"))[0]!, /^Unknown setting "__proto__"/);
});

test("all problems are reported at once, each with the setting and its value", () => {
  const problems = problemsOf({ clip_norm: "abc", kernel_size: 50, heads: ["dnx"], nothing: 1 });
  assert.equal(problems.length, 4);
  assert.ok(problems.some((line) => /^Setting "clip_norm" is "abc": .*expected number/.test(line)));
  assert.ok(problems.some((line) => /^Setting "kernel_size" is 50: must be odd/.test(line)));
  assert.ok(problems.some((line) => /^Setting "heads.0" is "dnx": .*"dnu"/.test(line)));
  assert.ok(problems.some((line) => /^Unknown setting "nothing"/.test(line)));
});

test("contradictions are refused", () => {
  assert.deepEqual(problemsOf({ edges: { dnu: [1, 3, 2] } }), ['Setting "edges.dnu" must ascend']);
  assert.deepEqual(problemsOf({ heads: ["dnu", "dnu"] }), ['Setting "heads" names a head twice']);
});

test("a config file that cannot be used is refused with its path", () => {
  const folder = mkdtempSync(join(tmpdir(), "asterolab-config-"));
  try {
    const path = join(folder, "config.json");
    assert.throws(() => readConfigFile(path), {
      name: "ConfigError",
      message: `Cannot read config file "${path}": no such file or folder`,
    });
    writeFileSync(path, "{");
    assert.throws(
      () => readConfigFile(path),
      (error: Error) => error.message.startsWith(`Cannot parse config file "${path}": `),
    );
    writeFileSync(path, "[1]");
    assert.throws(() => readConfigFile(path), {
      message: `Cannot parse config file "${path}": expected one JSON object of settings`,
    });
    writeFileSync(path, '{"num_epochs": 2}');
    assert.deepEqual(readConfigFile(path), { num_epochs: 2 });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
