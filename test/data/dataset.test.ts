import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { LABEL_COLUMN_NAMES } from "../../src/data/columns";
import { Dataset, type DatasetOptions } from "../../src/data/dataset";
import { maybeReadManifest, writeManifest } from "../../src/data/manifest";
import { HEAD_NAMES } from "../../src/data/parameters";
import type { Batch } from "../../src/data/source";
import { assertClose } from "../assert-close";
import { type Layout, shardRow, temporaryFolder, writeDataset, writeNpy } from "./make-shard";

const HEADS: DatasetOptions = { split: "train", heads: ["numax", "inc"] };

async function collect(dataset: Dataset, options: Parameters<Dataset["batches"]>[0]): Promise<Batch[]> {
  const batches: Batch[] = [];
  for await (const batch of dataset.batches(options)) batches.push(batch);
  return batches;
}

test("without dataset.json the last twentieth of the shards validates: 144 .. 151 of 152", async (t) => {
  const folder = temporaryFolder(t);
  writeDataset(folder, { shards: 152, rows: 1, points: 3 });
  const train = await Dataset.open(folder, HEADS);
  const validation = await Dataset.open(folder, { ...HEADS, split: "validation" });
  const all = await Dataset.open(folder, { ...HEADS, split: "all" });
  assert.deepEqual([train.rows, validation.rows, all.rows], [144, 8, 152]);
  assert.equal(train.location(143).shard, 143);
  assert.deepEqual(validation.location(0), { path: join(folder, "data_144.npy"), row: 0, shard: 144 });
  // More shards than descriptors are held open: all rows still arrive.
  const batches = await collect(all, { order: all.order(1, 0, true), batchSize: 50 });
  const seen = batches.flatMap((batch) => Array.from(batch.values).filter((_, index) => index % 2 === 0));
  assert.deepEqual(
    seen.sort((a, b) => a - b),
    Array.from({ length: 152 }, (_, star) => 10 + star),
  );
  await Promise.all([train.close(), validation.close(), all.close()]);
});

test("validationShards and dataset.json say which shards validate, the latter first", async (t) => {
  const folder = temporaryFolder(t);
  writeDataset(folder, { shards: 5, rows: 2, points: 3 });
  const open = (options: Partial<DatasetOptions>) => Dataset.open(folder, { ...HEADS, ...options });
  assert.equal((await open({ validationShards: 2 })).rows, 6);
  assert.equal((await open({})).rows, 8);
  await writeManifest(folder, {
    points: 3,
    firstFrequencyUHz: 2.5,
    stepUHz: 0.5,
    columns: LABEL_COLUMN_NAMES,
    shards: [0, 2, 3].map((shard) => ({
      file: `data_00${shard}.npy`,
      rows: 2,
      split: shard === 2 ? "validation" : "train",
    })),
    seed: 4,
    prior: "flat",
    generatorVersion: "0.1.0",
  });
  const train = await open({ validationShards: 2 });
  assert.deepEqual(
    [0, 1, 2, 3].map((row) => train.values(row)[0]),
    [10, 11, 16, 17],
  );
  assert.deepEqual(train.grid?.firstFrequencyUHz, 2.5);
  assert.equal(train.info?.prior, "flat");
  assert.equal((await open({ split: "validation" })).values(0)[0], 14);
});

test("dataset.json is written in snake case and read back whole", async (t) => {
  const folder = temporaryFolder(t);
  const info = {
    points: 3,
    firstFrequencyUHz: 2.5,
    stepUHz: 0.5,
    columns: LABEL_COLUMN_NAMES,
    shards: [{ file: "data_000.npy", rows: 2, split: "train" as const, sha256: "ab".repeat(32) }],
    seed: 4,
    prior: "flat",
    generatorVersion: "0.1.0",
  };
  await writeManifest(folder, info);
  assert.deepEqual(await maybeReadManifest(folder), info);
  const keys = Object.keys(JSON.parse(readFileSync(join(folder, "dataset.json"), "utf8")) as object);
  assert.deepEqual(
    keys,
    "format version points first_frequency_uhz step_uhz columns seed prior generator_version shards".split(" "),
  );
  assert.equal(await maybeReadManifest(temporaryFolder(t)), null);
});

test("labels are read by head, cut into classes, and the same in every layout of the file", async (t) => {
  const rows = [
    shardRow(4, 1),
    shardRow(4, 2, { 12: 1.25, 6: -0.06, 0: 0.2, 35: 89 }),
    shardRow(4, 3, { 17: 160, 18: 1, 13: 0, 34: 285 }),
  ];
  const layouts: Layout[] = (["<f4", ">f4", "<f8", ">f8"] as const).flatMap((descr) => [
    { descr, isFortranOrder: false },
    { descr, isFortranOrder: true },
  ]);
  for (const layout of layouts) {
    const folder = temporaryFolder(t);
    writeNpy(join(folder, "data_000.npy"), rows, layout);
    const dataset = await Dataset.open(folder, { split: "all", heads: HEAD_NAMES, normalize: "none" });
    assert.equal(dataset.points, 4);
    // Heads: dnu dp q acr aer a3 inc epp epg numax snr gamma vl1 vl2 vl3; classes counted by hand from the edges.
    assert.deepEqual(Array.from(dataset.labels(0)), [90, 16, 10, 9, 3, 2, 9, 10, 3, 40, 4, 3, 6, 6, 5], layout.descr);
    assert.deepEqual(Array.from(dataset.labels(1)), [2, 16, 10, 9, 3, 0, 17, 10, 3, 40, 4, 3, 6, 6, 5]);
    assert.deepEqual(Array.from(dataset.labels(2)), [90, 45, 10, 9, 3, 2, 9, 0, 9, 98, 4, 3, 6, 6, 5]);
    assertClose(dataset.values(1)[5]!, -0.3, { rtol: 1e-6 });
    const batches = await collect(dataset, { order: Uint32Array.of(2, 0, 1), batchSize: 2 });
    assert.deepEqual(
      batches.map(({ size, nextStart, shard }) => ({ size, nextStart, shard })),
      [
        { size: 2, nextStart: 2, shard: 0 },
        { size: 1, nextStart: 3, shard: 0 },
      ],
    );
    assert.deepEqual(Array.from(batches[0]!.spectra), [3, 6, 9, 12, 1, 2, 3, 4]);
    assert.deepEqual(Array.from(batches[1]!.spectra), [2, 4, 6, 8]);
    assert.deepEqual(batches[1]!.labels, dataset.labels(1));
    assert.deepEqual(batches[1]!.values, dataset.values(1));
    await dataset.close();
  }
});

test("spectra are divided by their median unless told otherwise; power() gives them as stored", async (t) => {
  const folder = temporaryFolder(t);
  writeNpy(join(folder, "data_000.npy"), [shardRow(5, 7)]);
  const dataset = await Dataset.open(folder, { ...HEADS, split: "all" });
  const [batch] = await collect(dataset, { order: dataset.order(0, 0, false), batchSize: 8 });
  assertClose(batch!.spectra, [1 / 3, 2 / 3, 1, 4 / 3, 5 / 3], { rtol: 1e-6 });
  assert.deepEqual(Array.from(await dataset.power(0)), [7, 14, 21, 28, 35]);
});

test("a row's label columns and a shard's header can be looked at as stored", async (t) => {
  const folder = temporaryFolder(t);
  const row = shardRow(5, 7, { 14: 2.5 });
  writeNpy(join(folder, "data_000.npy"), [shardRow(5, 1), row], { descr: "<f8" });
  const dataset = await Dataset.open(folder, { ...HEADS, split: "all" });
  assert.deepEqual(Array.from(await dataset.labelColumns(1)), Array.from(row).slice(5));
  await assert.rejects(dataset.labelColumns(2), RangeError);
  const [{ path, header }] = dataset.headers as [(typeof dataset.headers)[number]];
  assert.equal(path, join(folder, "data_000.npy"));
  assert.deepEqual([header.dtype, header.shape, header.dataOffset], ["float64", [2, 41], 128]);
  await dataset.close();
});

test("the filter comes before the cap on rows, and everything dropped is counted", async (t) => {
  const folder = temporaryFolder(t);
  writeDataset(folder, { shards: 3, rows: 10, points: 3 });
  const dataset = await Dataset.open(folder, {
    ...HEADS,
    filter: [
      { column: "inc", op: ">=", value: 4 },
      { column: 34, op: "!=", value: 15 },
    ],
    rowsPerShard: 4,
    validationShards: 1,
  });
  assert.deepEqual(
    Array.from({ length: dataset.rows }, (_, row) => dataset.values(row)[1]),
    [4, 6, 7, 8, 4, 5, 6, 7],
  );
  const { rowsRead, rowsKept, droppedByFilter, droppedByCap } = dataset.report;
  assert.deepEqual(
    { rowsRead, rowsKept, droppedByFilter, droppedByCap },
    { rowsRead: 20, rowsKept: 8, droppedByFilter: 9, droppedByCap: 3 },
  );
});

test("each comparison of a filter keeps the rows it says", async (t) => {
  const folder = temporaryFolder(t);
  writeDataset(folder, { shards: 1, rows: 5, points: 3 });
  const expected = {
    "<": [0, 1],
    "<=": [0, 1, 2],
    ">": [3, 4],
    ">=": [2, 3, 4],
    "==": [2],
    "!=": [0, 1, 3, 4],
  } as const;
  for (const op of ["<", "<=", ">", ">=", "==", "!="] as const) {
    const dataset = await Dataset.open(folder, { ...HEADS, split: "all", filter: [{ column: "inc", op, value: 2 }] });
    assert.deepEqual(
      Array.from({ length: dataset.rows }, (_, row) => dataset.values(row)[1]),
      expected[op],
      op,
    );
  }
});

test("labels outside the edges are counted by head and clipped or dropped; missing ones are dropped", async (t) => {
  const folder = temporaryFolder(t);
  writeNpy(join(folder, "data_000.npy"), [
    shardRow(3, 1),
    shardRow(3, 1, { 12: 0.5, 34: 300 }),
    shardRow(3, 1, { 12: 25 }),
    shardRow(3, 1, { 34: Number.NaN }),
    shardRow(3, 1, { 34: -9999, 12: 0.5 }),
  ]);
  const options: DatasetOptions = { split: "all", heads: ["dnu", "numax"] };
  const clipped = await Dataset.open(folder, options);
  assert.deepEqual(
    [0, 1, 2].map((row) => Array.from(clipped.labels(row))),
    [
      [90, 40],
      [0, 98],
      [179, 40],
    ],
  );
  assert.deepEqual(clipped.report, {
    rowsRead: 5,
    rowsKept: 3,
    droppedByFilter: 0,
    droppedMissing: 2,
    droppedOutOfRange: 0,
    droppedByCap: 0,
    outOfRange: { dnu: 3, numax: 1 },
    missing: { dnu: 0, numax: 2 },
  });
  const dropped = await Dataset.open(folder, { ...options, outOfRange: "drop" });
  assert.equal(dropped.rows, 1);
  assert.equal(dropped.report.droppedOutOfRange, 2);
});

test("edges given by the user make the classes", async (t) => {
  const folder = temporaryFolder(t);
  writeDataset(folder, { shards: 1, rows: 6, points: 3 });
  const dataset = await Dataset.open(folder, { ...HEADS, split: "all", edges: { numax: [10, 12, 15, 16] } });
  assert.deepEqual(
    Array.from({ length: 6 }, (_, row) => dataset.labels(row)[0]),
    [0, 0, 1, 1, 1, 2],
  );
  assert.deepEqual(dataset.classEdges.get("numax"), Float64Array.of(10, 12, 15, 16));
});

test("the order of an epoch is a permutation that depends on seed and epoch alone", async (t) => {
  const folder = temporaryFolder(t);
  writeDataset(folder, { shards: 2, rows: 50, points: 3 });
  const open = () => Dataset.open(folder, { ...HEADS, split: "all" });
  const [first, second] = [await open(), await open()];
  const order = first.order(9, 3, true);
  assert.deepEqual(order, second.order(9, 3, true));
  assert.notDeepEqual(order, first.order(9, 4, true));
  assert.notDeepEqual(order, first.order(10, 3, true));
  const identity = Uint32Array.from({ length: 100 }, (_, row) => row);
  assert.deepEqual(first.order(9, 3, false), identity);
  assert.notDeepEqual(order, identity);
  assert.deepEqual(order.slice().sort(), identity);
});

test("batches go on from any position with the same rows, whatever is read ahead", async (t) => {
  const folder = temporaryFolder(t);
  writeDataset(folder, { shards: 3, rows: 7, points: 3 });
  const dataset = await Dataset.open(folder, { ...HEADS, split: "all", normalize: "none" });
  const order = dataset.order(1, 0, true);
  const whole = await collect(dataset, { order, batchSize: 4 });
  assert.deepEqual(
    whole.map(({ size }) => size),
    [4, 4, 4, 4, 4, 1],
  );
  for (const readAhead of [0, 1, 5, 100]) {
    const rest = await collect(dataset, { order, batchSize: 4, start: whole[1]!.nextStart, readAhead });
    assert.deepEqual(rest, whole.slice(2));
  }
  assert.deepEqual(await collect(dataset, { order, batchSize: 4, start: 21 }), []);
  const odd = await collect(dataset, { order, batchSize: 21, start: 3 });
  assert.deepEqual(Array.from(odd[0]!.values.subarray(0, 2)), Array.from(whole[0]!.values.subarray(6, 8)));
});

test("reused memory holds each batch until the next one is asked for", async (t) => {
  const folder = temporaryFolder(t);
  writeDataset(folder, { shards: 2, rows: 9, points: 3 });
  const dataset = await Dataset.open(folder, { ...HEADS, split: "all", normalize: "none" });
  const order = dataset.order(1, 0, true);
  const kept = await collect(dataset, { order, batchSize: 4 });
  const buffers = new Set<ArrayBufferLike>();
  let index = 0;
  for await (const batch of dataset.batches({ order, batchSize: 4, readAhead: 1, reuseSpectra: true })) {
    assert.deepEqual(batch, kept[index++]);
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual(batch, kept[index - 1]);
    buffers.add(batch.spectra.buffer);
  }
  assert.equal(index, 5);
  assert.equal(buffers.size, 2);
});

test("a caller that stops early leaves no read behind", async (t) => {
  const folder = temporaryFolder(t);
  writeDataset(folder, { shards: 1, rows: 30, points: 50 });
  const dataset = await Dataset.open(folder, { ...HEADS, split: "all" });
  for await (const batch of dataset.batches({ order: dataset.order(0, 0, false), batchSize: 3, readAhead: 4 })) {
    assert.equal(batch.size, 3);
    break;
  }
  await dataset.close();
  await assert.rejects(dataset.power(0), { name: "DataError", message: /the data set is closed$/ });
});

test("options that are no counts are refused", async (t) => {
  const folder = temporaryFolder(t);
  writeDataset(folder, { shards: 1, rows: 2, points: 3 });
  const dataset = await Dataset.open(folder, { ...HEADS, split: "all" });
  const order = dataset.order(0, 0, false);
  await assert.rejects(collect(dataset, { order, batchSize: 0 }), {
    name: "RangeError",
    message: 'Option "batchSize" is 0, expected an integer of at least 1',
  });
  await assert.rejects(collect(dataset, { order, batchSize: 1, start: -1 }), {
    name: "RangeError",
    message: 'Option "start" is -1, expected an integer of at least 0',
  });
  await assert.rejects(collect(dataset, { order: Uint32Array.of(0, 2), batchSize: 2 }), {
    name: "RangeError",
    message: `Cannot read row 2 of data set "${folder}": it has 2 rows`,
  });
});

test("the fingerprint follows labels and shape, not the folder's name", async (t) => {
  const fingerprint = async (change: (folder: string) => void): Promise<string> => {
    const folder = temporaryFolder(t);
    writeDataset(folder, { shards: 2, rows: 4, points: 3 });
    change(folder);
    return (await Dataset.open(folder, { ...HEADS, split: "all" })).fingerprint;
  };
  const plain = await fingerprint(() => {});
  assert.match(plain, /^[0-9a-f]{64}$/);
  assert.equal(await fingerprint((folder) => writeFileSync(join(folder, "notes.txt"), "x")), plain);
  assert.notEqual(await fingerprint((folder) => writeDataset(folder, { shards: 3, rows: 4, points: 3 })), plain);
  assert.notEqual(await fingerprint((folder) => writeDataset(folder, { shards: 2, rows: 4, points: 4 })), plain);
  const relabel = (folder: string) =>
    writeNpy(
      join(folder, "data_001.npy"),
      [0, 1, 2, 3].map(() => shardRow(3, 1)),
    );
  assert.notEqual(await fingerprint(relabel), plain);
  // One row has the same labels in either memory order; the header tells them apart.
  const single = (isFortranOrder: boolean) => (folder: string) =>
    [0, 1].forEach((shard) => {
      writeNpy(join(folder, `data_00${shard}.npy`), [shardRow(3, 1)], { isFortranOrder });
    });
  assert.notEqual(await fingerprint(single(true)), await fingerprint(single(false)));
});
