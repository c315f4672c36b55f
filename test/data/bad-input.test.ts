/** The table of bad data sets: each ends in an error of one line that says where and what would be right. */

import assert from "node:assert/strict";
import { mkdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { Dataset, type DatasetOptions } from "../../src/data/dataset";
import { writeManifest } from "../../src/data/manifest";
import { DataError, exitCodeOf } from "../../src/errors";
import { labelColumns, shardRow, temporaryFolder, writeDataset, writeNpy } from "./make-shard";

interface BadInput {
  readonly name: string;
  /** Spoils a folder that holds a good data set of 3 shards, 4 rows and 5 powers. */
  readonly spoil: (folder: string) => void | Promise<void>;
  readonly options?: Partial<DatasetOptions>;
  /** With FOLDER for the folder's path. */
  readonly message: string;
  readonly exitCode: 1 | 2;
}

const shards = [0, 1, 2].map((index) => ({ file: `data_00${index}.npy`, rows: 4, split: "train" as const }));
const manifest = { points: 5, firstFrequencyUHz: 1, stepUHz: 1, columns: labelColumns().map(String), shards };
const rowsWith = (column: number, value: number) =>
  [0, 1, 2, 3].map((row) => shardRow(5, 1 + row, { [column]: value }));
const everyShard = (folder: string, rows: readonly number[][]) => {
  for (const { file } of shards) writeNpy(join(folder, file), rows);
};

const TABLE: readonly BadInput[] = [
  {
    name: "missing folder",
    spoil: (folder) => rmSync(folder, { recursive: true }),
    message:
      'Cannot open data set "FOLDER": no such file or folder; expected a folder of data_000.npy, data_001.npy, ...',
    exitCode: 2,
  },
  {
    name: "file in place of a folder",
    spoil: (folder) => {
      rmSync(folder, { recursive: true });
      writeFileSync(folder, "");
    },
    message:
      'Cannot open data set "FOLDER": a part of the path is a file, expected a folder; expected a folder of data_000.npy, data_001.npy, ...',
    exitCode: 2,
  },
  {
    name: "empty folder",
    spoil: (folder) => {
      rmSync(folder, { recursive: true });
      mkdirSync(folder);
    },
    message: 'Cannot open data set "FOLDER": the folder is empty; expected data_000.npy, data_001.npy, ...',
    exitCode: 2,
  },
  {
    name: "folder without shards",
    spoil: (folder) => {
      rmSync(folder, { recursive: true });
      mkdirSync(folder);
      writeFileSync(join(folder, "star.txt"), "");
      writeFileSync(join(folder, "data_x.npy"), "");
    },
    message: 'Cannot open data set "FOLDER": none of its 2 files is a shard; expected data_000.npy, data_001.npy, ...',
    exitCode: 2,
  },
  {
    name: "truncated shard",
    spoil: (folder) => truncateSync(join(folder, "data_001.npy"), 700),
    message:
      'Cannot read "FOLDER/data_001.npy": the file is truncated: it has 700 bytes, expected 784 for float32 values of shape [4, 41]',
    exitCode: 1,
  },
  {
    name: "truncated shard that is alone, before what is said of splitting it",
    spoil: (folder) => {
      for (const { file } of shards.slice(1)) rmSync(join(folder, file));
      truncateSync(join(folder, "data_000.npy"), 700);
    },
    options: { split: "train" },
    message:
      'Cannot read "FOLDER/data_000.npy": the file is truncated: it has 700 bytes, expected 784 for float32 values of shape [4, 41]',
    exitCode: 1,
  },
  {
    name: "foreign file named as a shard",
    spoil: (folder) => writeFileSync(join(folder, "data_001.npy"), "frequency,power\n1,2\n"),
    message: 'Cannot read "FOLDER/data_001.npy": not a .npy file: it starts with "freque", expected "\\x93NUMPY"',
    exitCode: 1,
  },
  {
    name: "rows too short for the labels",
    spoil: (folder) => everyShard(folder, [labelColumns()]),
    message: 'Cannot use "FOLDER/data_000.npy": its rows have 36 columns, expected powers and 36 labels',
    exitCode: 1,
  },
  {
    name: "shards of different width",
    spoil: (folder) => writeNpy(join(folder, "data_001.npy"), [shardRow(6, 1)]),
    message:
      'Cannot use "FOLDER/data_001.npy": its rows have 42 columns, expected 41 (5 powers and 36 labels), as in "FOLDER/data_000.npy"',
    exitCode: 1,
  },
  {
    name: "another width than the network's",
    spoil: () => {},
    options: { points: 35692 },
    message: 'Cannot use "FOLDER/data_000.npy": its rows have 41 columns, expected 35728 (35692 powers and 36 labels)',
    exitCode: 1,
  },
  {
    name: "another width than dataset.json says",
    spoil: (folder) => writeManifest(folder, { ...manifest, points: 9 }),
    message:
      'Cannot use "FOLDER/data_000.npy": its rows have 41 columns, expected 45 (9 powers and 36 labels), as dataset.json says',
    exitCode: 1,
  },
  {
    name: "another number of rows than dataset.json says",
    spoil: (folder) => writeManifest(folder, { ...manifest, shards: shards.map((shard) => ({ ...shard, rows: 7 })) }),
    message: 'Cannot use "FOLDER/data_000.npy": it has 4 rows, expected 7 as dataset.json says',
    exitCode: 1,
  },
  {
    name: "shard that dataset.json lists and the folder lacks",
    spoil: async (folder) => {
      await writeManifest(folder, manifest);
      rmSync(join(folder, "data_002.npy"));
    },
    message: 'Cannot open "FOLDER/data_002.npy": dataset.json lists this shard, but it is missing',
    exitCode: 1,
  },
  {
    name: "dataset.json that is no JSON",
    spoil: (folder) => writeFileSync(join(folder, "dataset.json"), "points = 5"),
    message: `Cannot parse "FOLDER/dataset.json": Unexpected token 'p', "points = 5" is not valid JSON`,
    exitCode: 1,
  },
  {
    name: "dataset.json without what it must say",
    spoil: (folder) =>
      writeFileSync(
        join(folder, "dataset.json"),
        JSON.stringify({
          ...{
            format: "asterolab-dataset",
            version: 1,
            first_frequency_uhz: 1,
            step_uhz: 1,
            columns: manifest.columns,
          },
          shards: [{ file: "../data_000.npy", rows: 4, split: "train" }],
        }),
      ),
    message:
      'Cannot use "FOLDER/dataset.json": points: Invalid input: expected number, received undefined; shards.0.file: must be the name of a .npy file in the same folder',
    exitCode: 1,
  },
  {
    name: "split without a shard",
    spoil: (folder) => writeManifest(folder, manifest),
    options: { split: "validation" },
    message: 'Cannot open the validation split of "FOLDER": none of its 3 shards belongs to it',
    exitCode: 2,
  },
  {
    name: "all shards held out",
    spoil: () => {},
    options: { split: "train", validationShards: 3 },
    message:
      'Cannot split data set "FOLDER": holding out 3 of 3 shards for validation leaves none for training; add shards, lower validation.shards, or name another folder in validation.data_dir',
    exitCode: 2,
  },
  {
    name: "filter that no row passes",
    spoil: () => {},
    options: {
      filter: [
        { column: "inc", op: ">", value: 80 },
        { column: 34, op: "<", value: 90 },
      ],
    },
    message: 'Cannot use data set "FOLDER": none of its 12 rows passes the filter inc > 80 and 34 < 90',
    exitCode: 2,
  },
  {
    name: "filter on an unknown column",
    spoil: () => {},
    options: { filter: [{ column: 36, op: ">", value: 80 }] },
    message:
      'Cannot filter "FOLDER" on column 36: expected one of dnu, dp, q, acr, aer, a3, inc, epp, epg, numax, snr, gamma, vl1, vl2, vl3, or a label column from 0 to 35',
    exitCode: 2,
  },
  {
    name: "filter on an unknown name",
    spoil: () => {},
    options: { filter: [{ column: "dnuu" as "dnu", op: ">", value: 80 }] },
    message:
      'Cannot filter "FOLDER" on column "dnuu": expected one of dnu, dp, q, acr, aer, a3, inc, epp, epg, numax, snr, gamma, vl1, vl2, vl3, or a label column from 0 to 35',
    exitCode: 2,
  },
  {
    name: "head whose labels are NaN",
    spoil: (folder) => everyShard(folder, rowsWith(12, Number.NaN)),
    options: { heads: ["numax", "dnu"] },
    message:
      'Cannot use head "dnu" with data set "FOLDER": all 12 values are missing (label column 12); remove "dnu" from heads',
    exitCode: 2,
  },
  {
    name: "head whose labels are the missing marker",
    spoil: (folder) => everyShard(folder, rowsWith(6, -9999)),
    options: { heads: ["a3"] },
    message:
      'Cannot use head "a3" with data set "FOLDER": all 12 values are missing (label column 6 / 0); remove "a3" from heads',
    exitCode: 2,
  },
  {
    name: "head whose label column was never filled",
    spoil: (folder) => everyShard(folder, rowsWith(12, 0)),
    options: { heads: ["dnu"] },
    message:
      'Cannot use head "dnu" with data set "FOLDER": all 12 values are 0, outside its classes (label column 12); remove "dnu" from heads',
    exitCode: 2,
  },
  {
    name: "no row with all labels in range",
    spoil: (folder) => everyShard(folder, [shardRow(5, 1, { 12: 0.1 }), shardRow(5, 1, { 34: 1 })]),
    options: { heads: ["dnu", "numax"], outOfRange: "drop" },
    message:
      'Cannot use data set "FOLDER": each of its 6 rows has a label that is missing or outside its class edges (rows per head: dnu 3, numax 3); remove heads, or set out_of_range to "clip"',
    exitCode: 2,
  },
];

for (const { name, spoil, options, message, exitCode } of TABLE) {
  test(`${name}: exit code ${exitCode}`, async (t) => {
    const folder = join(temporaryFolder(t), "set");
    mkdirSync(folder);
    writeDataset(folder, { shards: 3, rows: 4, points: 5 });
    await spoil(folder);
    await assert.rejects(Dataset.open(folder, { split: "all", heads: ["numax"], ...options }), (error) => {
      assert.ok(error instanceof DataError, String(error));
      assert.equal(error.message.replaceAll(folder, "FOLDER"), message);
      assert.equal(exitCodeOf(error), exitCode);
      assert.ok(!error.message.includes("\n"), "one line");
      return true;
    });
  });
}

test("a power that is NaN or negative is named by file, row and column when its batch is due", async (t) => {
  for (const bad of [Number.NaN, -3, Infinity]) {
    const folder = temporaryFolder(t);
    writeDataset(folder, { shards: 2, rows: 4, points: 5 });
    const rows = [0, 1, 2, 3].map((row) => shardRow(5, 1 + row, { 34: 50 + row }));
    rows[2]![3] = bad;
    writeNpy(join(folder, "data_001.npy"), rows);
    const dataset = await Dataset.open(folder, { split: "all", heads: ["numax"] });
    const sizes: number[] = [];
    const path = join(folder, "data_001.npy");
    const read = async () => {
      for await (const batch of dataset.batches({ order: dataset.order(0, 0, false), batchSize: 2, readAhead: 3 })) {
        sizes.push(batch.size);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    await assert.rejects(read(), {
      name: "DataError",
      message: `Cannot use "${path}": the power at row 2, column 3 is ${bad}, expected a finite number of at least 0`,
      path,
      row: 2,
      column: 3,
    });
    assert.deepEqual(sizes, [2, 2, 2], "the batches before it were delivered");
  }
});

test("a shard that is cut while in use is named", async (t) => {
  const folder = temporaryFolder(t);
  writeDataset(folder, { shards: 1, rows: 4, points: 5 });
  const path = join(folder, "data_000.npy");
  const dataset = await Dataset.open(folder, { split: "all", heads: ["numax"] });
  truncateSync(path, 400);
  await assert.rejects(dataset.power(3), {
    name: "DataError",
    message: `Cannot read "${path}": no bytes at position 620; was it cut while in use?`,
  });
});
