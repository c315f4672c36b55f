import assert from "node:assert/strict";
import test from "node:test";
import { type ConfigSpec, PRESETS, type PresetName, parseConfig } from "../../src/config";
import { idleSettings } from "../../src/train/idle-settings";

const linesOf = (...specs: ConfigSpec[]): string[] => idleSettings(parseConfig("default", ...specs));

test("the presets' own values are nobody's choice, whatever the rest says", () => {
  for (const name of Object.keys(PRESETS) as PresetName[]) {
    for (const spec of [{}, { schedule: "constant" }, { simulate: {} }, { engine: "cpu" }]) {
      assert.deepEqual(idleSettings(parseConfig(name, spec)), []);
    }
  }
});

test("a rate that the schedule does not go by is named", () => {
  assert.deepEqual(linesOf({ learning_rate: 0.01 }), [
    'setting learning_rate (0.01) has no effect: the schedule "one_cycle" goes by max_lr',
  ]);
  assert.deepEqual(linesOf({ schedule: "constant", learning_rate: 0.01 }), []);
  assert.deepEqual(linesOf({ schedule: "constant", max_lr: 0.01, steps_per_epoch: 7 }), [
    'setting max_lr (0.01) has no effect: the schedule "constant" goes by learning_rate',
    'setting steps_per_epoch (7) has no effect: the schedule "constant" never changes',
  ]);
});

test("settings of shards are named beside simulated stars, unless others on disk validate", () => {
  const spec = { simulate: {}, rows_per_shard: 10, out_of_range: "drop", shuffle: false, data_dir: "shards" };
  const always = [
    "setting data_dir (shards) has no effect: stars are simulated",
    "setting shuffle (false) has no effect: simulated stars come in no order",
  ];
  assert.deepEqual(linesOf(spec), [
    ...always,
    "setting rows_per_shard (10) has no effect: simulated stars lie in no shards",
    "setting out_of_range (drop) has no effect: labels of simulated stars are clipped",
  ]);
  assert.deepEqual(linesOf(spec, { validation: { data_dir: "others" } }), always);
});

test("validation shards, threads and edges that nothing asks for are named", () => {
  assert.deepEqual(linesOf({ validation: { shards: 2 } }), []);
  assert.deepEqual(linesOf({ validation: { shards: 2, data_dir: "others" }, engine: "cpu", threads: 3 }), [
    'setting threads (3) has no effect: the engine "cpu" computes on one thread',
    "setting validation.shards (2) has no effect: validation spectra come from elsewhere",
  ]);
  const edges = { numax: [0, 100, 300], dnu: [0, 10, 20] };
  assert.deepEqual(linesOf({ heads: ["dnu"], edges }), [
    'setting edges.numax has no effect: "numax" is none of the heads',
  ]);
});
