import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { Dataset } from "../../src/data/dataset";
import { labelReportLines } from "../../src/data/label-report";
import { temporaryFolder } from "../temporary-folder";
import { shardRow, writeNpy } from "./make-shard";

test("what is lost on the way in is said, reason by reason; nothing where nothing is", async (t) => {
  const folder = temporaryFolder(t);
  const [DNU, NUMAX, INC] = [12, 34, 35];
  writeNpy(join(folder, "data_000.npy"), [
    shardRow(3, 1, { [INC]: 10 }),
    shardRow(3, 1, { [DNU]: Number.NaN }),
    shardRow(3, 1, { [DNU]: -9999 }),
    shardRow(3, 1, { [DNU]: 25, [NUMAX]: 300 }),
    shardRow(3, 1),
    shardRow(3, 1),
    shardRow(3, 1),
  ]);
  const open = async (options: object): Promise<string[]> => {
    const dataset = await Dataset.open(folder, { split: "all", heads: ["dnu", "numax"], ...options });
    await dataset.close();
    return labelReportLines(dataset.report);
  };
  assert.deepEqual(await open({}), [
    "rows left out: 2 with missing labels",
    "labels outside the class edges: dnu 1, numax 1",
  ]);
  const filter = [{ column: "inc", op: ">", value: 20 }];
  assert.deepEqual(await open({ filter, outOfRange: "drop", rowsPerShard: 2 }), [
    "rows left out: 1 by the filter, 2 with missing labels, 1 with labels outside the class edges, 1 beyond rows_per_shard",
    "labels outside the class edges: dnu 1, numax 1",
  ]);
  assert.deepEqual(await open({ filter: [{ column: "dnu", op: "==", value: 25 }], heads: ["q"] }), [
    "rows left out: 6 by the filter",
  ]);
  assert.deepEqual(await open({ heads: ["inc"] }), []);
});
