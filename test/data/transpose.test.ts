import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { FileReader } from "../../src/data/file-reader";
import { transposeToScratch } from "../../src/data/transpose";
import { npyHeader, temporaryFolder } from "./make-shard";

/** 40 MB: two blocks of columns, the second one narrower. */
const ROWS = 1000;
const COLUMNS = 10_000;

test("a matrix of several blocks is transposed whole, and its scratch file has no name", async (t) => {
  const folder = temporaryFolder(t);
  const { TMPDIR } = process.env;
  process.env.TMPDIR = temporaryFolder(t);
  t.after(() => {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  });
  const path = join(folder, "data_000.npy");
  const value = (row: number, column: number): number => row * COLUMNS + column; // exact in float32
  const values = Float32Array.from({ length: ROWS * COLUMNS }, (_, index) =>
    value(index % ROWS, Math.floor(index / ROWS)),
  );
  const bytes = npyHeader([ROWS, COLUMNS], { isFortranOrder: true });
  writeFileSync(path, Buffer.concat([bytes, Buffer.from(values.buffer)]));
  const header = {
    ...({ dtype: "float32", itemBytes: 4, isBigEndian: false, isFortranOrder: true } as const),
    ...{ shape: [ROWS, COLUMNS], dataOffset: bytes.length },
  };
  const reader = new FileReader();
  t.after(() => reader.close());
  const scratch = await transposeToScratch({ path, header, rows: ROWS, columns: COLUMNS }, reader);
  assert.deepEqual(readdirSync(process.env.TMPDIR), []);
  for (const row of [0, 1, 499, ROWS - 1]) {
    const read = new Float32Array(COLUMNS);
    await reader.read(scratch, new Uint8Array(read.buffer), 4 * row * COLUMNS);
    assert.deepEqual(
      read,
      Float32Array.from({ length: COLUMNS }, (_, column) => value(row, column)),
    );
  }
});
