import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after, before } from "node:test";
import { maybeReadManifest } from "../../src/data/manifest";
import { machine } from "../../src/files";
import { labelColumns, type SimulationSpec, simulateDataset, simulateStar } from "../../src/simulate";

const ROW = 35692 + 36;
const SMALL = { shards: 1, validationShards: 1, spectraPerShard: 20, seed: 42, workers: 1 } as const;

let root = "";
let whole: string; // SMALL, made in one go; read-only for the tests

before(async () => {
  root = await mkdtemp(join(tmpdir(), "asterolab-simulate-"));
  whole = join(root, "whole");
  await simulateDataset({ ...SMALL, out: whole });
});

after(() => rm(root, { recursive: true, force: true }));

async function hashes(folder: string): Promise<(string | undefined)[]> {
  return (await maybeReadManifest(folder))!.shards.map(({ sha256 }) => sha256);
}

async function make(name: string, change: Partial<SimulationSpec> = {}): Promise<string> {
  const out = join(root, name);
  await simulateDataset({ ...SMALL, ...change, out });
  return out;
}

test("1, 2 and 3 workers write the same bytes", async () => {
  for (const workers of [2, 3])
    assert.deepEqual(await hashes(await make(`workers-${workers}`, { workers })), await hashes(whole));
});

test("another seed and another prior write other bytes", async () => {
  const known = await hashes(whole);
  for (const [name, change] of [
    ["seed", { seed: 43 }],
    ["prior", { prior: "flat" }],
  ] as const) {
    const other = await hashes(await make(`other-${name}`, { ...change, validationShards: 0, spectraPerShard: 20 }));
    assert.notEqual(other[0], known[0]);
  }
});

test("a shard made alone by its number is the shard of the whole", async () => {
  const out = await make("part", { firstShard: 1, shards: 0, validationShards: 1 });
  assert.deepEqual(await hashes(out), (await hashes(whole)).slice(1));
  assert.deepEqual((await readdir(out)).sort(), ["data_001.npy", "dataset.json"]);
});

test("parts made one after the other, last first, are the whole", async () => {
  await make("parts", { firstShard: 1, shards: 0, validationShards: 1 });
  const out = await make("parts", { shards: 1, validationShards: 0 });
  assert.deepEqual(await readFile(join(out, "dataset.json")), await readFile(join(whole, "dataset.json")));
});

test("rows hold the star of seed, shard and row: powers in ppm²/µHz, then the labels", async () => {
  const bytes = await readFile(join(whole, "data_001.npy"));
  assert.equal(bytes.length, 128 + 20 * ROW * 4);
  const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset + 128, bytes.byteOffset + bytes.length));
  for (const row of [0, 17]) {
    const star = simulateStar({ prior: "population" }, { seed: 42, shard: 1, row });
    assert.deepEqual(values.subarray(row * ROW, row * ROW + 35692), Float32Array.from(star.spectrum));
    assert.deepEqual(values.subarray(row * ROW + 35692, (row + 1) * ROW), Float32Array.from(labelColumns(star.star)));
  }
});

test("dataset.json says what the folder holds", async () => {
  const document = JSON.parse(await readFile(join(whole, "dataset.json"), "utf8"));
  assert.deepEqual(Object.keys(document).sort(), [
    "columns",
    "first_frequency_uhz",
    "format",
    "generator_version",
    "points",
    "prior",
    "seed",
    "shards",
    "step_uhz",
    "version",
  ]);
  assert.equal(document.seed, 42);
  assert.equal(document.prior, "population");
  assert.deepEqual(
    document.shards.map(({ file, rows, split }: Record<string, unknown>) => [file, rows, split]),
    [
      ["data_000.npy", 20, "train"],
      ["data_001.npy", 20, "validation"],
    ],
  );
});

test("the half-made shard of another living process, a rank for one, is left to it", async () => {
  const out = await make("shared");
  const theirs = `data_000.npy.tmp-${machine()}-${process.ppid}-0`;
  await writeFile(join(out, theirs), "not finished yet");
  await simulateDataset({ ...SMALL, out });
  assert.ok((await readdir(out)).includes(theirs));
});

test("a cut-off run continues: whole shards stay, damaged and missing ones are made again", async () => {
  const out = await make("cut", { shards: 2 });
  const expected = await hashes(out);
  const damaged = await readFile(join(out, "data_001.npy"));
  damaged[5000]! ^= 1;
  await writeFile(join(out, "data_001.npy"), damaged);
  await rm(join(out, "data_002.npy"));
  await writeFile(join(out, "data_002.npy.tmp-99"), "the rest of a cut-off run");
  const longAgo = new Date("2020-01-01");
  await utimes(join(out, "data_000.npy"), longAgo, longAgo);

  const progress: number[] = [];
  const summary = await simulateDataset({
    ...SMALL,
    shards: 2,
    out,
    onProgress: ({ done, total }) => {
      assert.equal(total, 60);
      progress.push(done);
    },
  });
  assert.deepEqual([summary.shardsKept, summary.shardsWritten, summary.spectraWritten], [1, 2, 40]);
  assert.deepEqual(await hashes(out), expected);
  assert.equal((await stat(join(out, "data_000.npy"))).mtimeMs, longAgo.getTime());
  assert.deepEqual((await readdir(out)).sort(), ["data_000.npy", "data_001.npy", "data_002.npy", "dataset.json"]);
  assert.equal(progress[0], 20);
  assert.equal(progress.at(-1), 60);
  assert.ok(progress.every((done, index) => index === 0 || done >= progress[index - 1]!));
});

test("a shard that is not yet recorded is made again", async () => {
  const out = join(root, "unrecorded");
  const controller = new AbortController();
  await assert.rejects(
    simulateDataset({
      ...SMALL,
      out,
      signal: controller.signal,
      // The first shard is on disk once the second one's rows arrive.
      onProgress: ({ done }) => done > 20 && controller.abort(new Error("cut off here")),
    }),
    { message: "cut off here" },
  );
  assert.deepEqual((await readdir(out)).sort(), ["data_000.npy", "dataset.json"]);
  const document = JSON.parse(await readFile(join(out, "dataset.json"), "utf8"));
  await writeFile(join(out, "dataset.json"), JSON.stringify({ ...document, shards: [] }));
  await simulateDataset({ ...SMALL, out });
  assert.deepEqual(await hashes(out), await hashes(whole));
});

test("an aborted run leaves no part of a shard and no empty dataset.json", async () => {
  const out = join(root, "aborted");
  const reason = new Error("stop");
  const options = { ...SMALL, out, signal: AbortSignal.abort(reason) };
  await assert.rejects(simulateDataset(options), (error) => error === reason);
  assert.deepEqual(await readdir(out), []);
});

const REFUSALS: readonly [string, Partial<SimulationSpec>, string][] = [
  ["seed", { seed: 1 }, "its seed is 42, expected 1"],
  ["prior", { prior: "flat" }, "its prior is population, expected flat"],
  ["number of spectra", { spectraPerShard: 30 }, '"data_000.npy" has 20 spectra, expected 30'],
  [
    "observation",
    { observation: { days: [27, 1470], gaps: 0.1 } },
    "its observation is the grid's own, expected 27 to 1470 days with gaps in 10 %",
  ],
  ["split", { shards: 2 }, '"data_001.npy" is a validation shard, expected a train shard'],
];

for (const [name, change, difference] of REFUSALS) {
  test(`a folder made with another ${name} is refused, naming the difference`, async () => {
    await assert.rejects(simulateDataset({ ...SMALL, ...change, out: whole }), {
      name: "DataError",
      isRequest: true,
      message: `Cannot continue the data set in "${whole}": ${difference}; use the same settings or another folder`,
    });
  });
}

test("a folder made by another version of the generator is refused", async () => {
  const out = await make("version", { validationShards: 0, spectraPerShard: 1 });
  const text = await readFile(join(out, "dataset.json"), "utf8");
  await writeFile(join(out, "dataset.json"), text.replace(/"generator_version": "[^"]*"/, '"generator_version": "0"'));
  await assert.rejects(make("version", { validationShards: 0, spectraPerShard: 1 }), {
    name: "DataError",
    message: /its generator version is 0, expected /,
  });
});

test("short observations are recorded, and go into the shards", async () => {
  const observation = { days: [27, 27], gaps: 0 } as const;
  const out = join(root, "short");
  await simulateDataset({ ...SMALL, validationShards: 0, spectraPerShard: 2, observation, out });
  const document = JSON.parse(await readFile(join(out, "dataset.json"), "utf8"));
  assert.deepEqual(document.observation, observation);
  const bytes = await readFile(join(out, "data_000.npy"));
  const power = new Float32Array(bytes.buffer.slice(bytes.byteOffset + 128, bytes.byteOffset + 128 + 4 * 35692));
  const equal = power.filter((value, bin) => value === power[bin - 1]).length;
  assert.ok(equal > 30_000, `a bin of 27 days is 54 of the grid's: ${equal} bins equal their neighbour`);
});

for (const [observation, problem] of [
  [
    { days: [10, 1470], gaps: 0 },
    "observation.days must be the shortest and the longest time within 20 to 1470.46 days, got 10 and 1470",
  ],
  [
    { days: [90, 27], gaps: 0 },
    "observation.days must be the shortest and the longest time within 20 to 1470.46 days, got 90 and 27",
  ],
  [{ days: [27, 90], gaps: 2 }, "observation.gaps must lie within 0 and 1, got 2"],
] as const) {
  test(`refuses an observation: ${problem}`, async () => {
    await assert.rejects(simulateDataset({ ...SMALL, observation, out: join(root, "never") }), {
      name: "ConfigError",
      message: `Cannot simulate a data set: ${problem}`,
    });
  });
}

test("shards of unknown origin are not overwritten", async () => {
  const out = await mkdtemp(join(root, "foreign-"));
  await writeFile(join(out, "data_004.npy"), "somebody's data");
  await assert.rejects(simulateDataset({ ...SMALL, out }), {
    name: "DataError",
    isRequest: true,
    message: /it holds "data_004.npy" but no dataset.json that says where it comes from/,
  });
  assert.equal(await readFile(join(out, "data_004.npy"), "utf8"), "somebody's data");
});

test("a file in the way of the folder is named", async () => {
  const path = join(root, "a-file");
  await writeFile(path, "");
  await assert.rejects(simulateDataset({ ...SMALL, out: path }), {
    name: "DataError",
    isRequest: true,
    message: `Cannot make folder "${path}": a file is in the way`,
  });
});

test("all settings that are out of range are named at once", async () => {
  const spec = { out: "", shards: -1, spectraPerShard: 0.5, workers: 0, seed: -3, prior: "uniform" as "flat" };
  await assert.rejects(simulateDataset(spec), {
    name: "ConfigError",
    message:
      "Cannot simulate a data set: shards must be an integer of at least 0, got -1; spectraPerShard must be an integer " +
      "of at least 1, got 0.5; seed must be an integer of at least 0, got -3; workers must be an integer of at least 1, " +
      "got 0; prior must be one of population, flat, reference, got uniform; out must name a folder, got an empty text",
  });
  await assert.rejects(simulateDataset({ out: whole, shards: 0, validationShards: 0 }), {
    name: "ConfigError",
    message: /shards and validationShards must not both be 0/,
  });
});
