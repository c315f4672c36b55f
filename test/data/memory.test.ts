/** A full-sized shard, 5120 rows and 732 MB, passes through bounded memory in either memory order. */

import assert from "node:assert/strict";
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { Dataset } from "../../src/data/dataset";
import { POINTS } from "../../src/data/grid";
import { labelColumns, npyHeader, temporaryFolder } from "./make-shard";

const ROWS = 5120;
const COLUMNS = POINTS + 36;
const MEGABYTE = 2 ** 20;

/** A sparse file: labels are written, powers are the zeros that holes read as. */
function writeSparseShard(path: string, isFortranOrder: boolean): void {
  const header = npyHeader([ROWS, COLUMNS], { isFortranOrder });
  const file = openSync(path, "w");
  writeSync(file, header, 0, header.length, 0);
  const labels = Float32Array.from(labelColumns());
  for (let row = 0; row < ROWS && !isFortranOrder; row++) {
    writeSync(file, labels, 0, labels.byteLength, header.length + 4 * (row * COLUMNS + POINTS));
  }
  for (let column = 0; column < labels.length && isFortranOrder; column++) {
    const values = new Float32Array(ROWS).fill(labels[column]!);
    writeSync(file, values, 0, values.byteLength, header.length + 4 * ROWS * (POINTS + column));
  }
  closeSync(file);
}

for (const isFortranOrder of [false, true]) {
  test(`a 732 MB shard in ${isFortranOrder ? "Fortran" : "C"} order is read within 150 MB`, async (t) => {
    const folder = temporaryFolder(t);
    writeSparseShard(join(folder, "data_000.npy"), isFortranOrder);
    const before = process.memoryUsage.rss();
    let peak = before;
    const watch = () => {
      peak = Math.max(peak, process.memoryUsage.rss());
    };
    const timer = setInterval(watch, 5);
    t.after(() => clearInterval(timer));
    const dataset = await Dataset.open(folder, { split: "all", heads: ["dnu", "numax"], normalize: "none" });
    t.after(() => dataset.close());
    let rows = 0;
    const options = { order: dataset.order(1, 0, true), batchSize: 64, readAhead: 2, reuseSpectra: true };
    for await (const batch of dataset.batches(options)) {
      rows += batch.size;
      watch();
    }
    assert.equal(rows, ROWS);
    const growth = (peak - before) / MEGABYTE;
    t.diagnostic(`memory grew by ${growth.toFixed(0)} MB`);
    assert.ok(growth < 150, `memory grew by ${growth.toFixed(0)} MB`);
  });
}
