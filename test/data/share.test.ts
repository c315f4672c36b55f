import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { Dataset } from "../../src/data/dataset";
import { largestPart, partOf } from "../../src/data/share";
import { temporaryFolder, writeDataset } from "./make-shard";

test("parts follow each other, cover all rows and differ by a row; few or large ones by two, and start at even rows", () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.integer({ min: 1, max: 40 }), (rows, count) => {
      let end = 0;
      const isEven = count <= 4 || rows >= 8 * count;
      const sizes = Array.from({ length: count }, (_, index) => {
        const [first, last] = partOf(rows, { index, count });
        assert.equal(first, end);
        if (isEven) assert.ok(first % 2 === 0 || first === rows);
        end = last;
        return last - first;
      });
      assert.equal(end, rows);
      assert.ok(Math.max(...sizes) - Math.min(...sizes) <= (isEven ? 2 : 1));
      assert.ok(Math.max(...sizes) <= largestPart(rows, { count }));
      assert.ok(largestPart(rows, { count }) <= Math.ceil(rows / count) + 1);
    }),
  );
});

test("the shares of every batch, one after the other, are the batch; a share may have no row", async (t) => {
  const folder = temporaryFolder(t);
  writeDataset(folder, { shards: 2, rows: 4, points: 6 });
  const data = await Dataset.open(folder, { split: "all", heads: ["numax", "inc"] });
  t.after(() => data.close());
  const order = data.order(3, 1, true);
  const collect = async (share?: { index: number; count: number }) => {
    const batches = [];
    for await (const batch of data.batches({ order, batchSize: 3, reuseSpectra: true, ...(share && { share }) })) {
      batches.push({ ...batch, spectra: [...batch.spectra], labels: [...batch.labels], values: [...batch.values] });
    }
    return batches;
  };
  const whole = await collect();
  for (const count of [2, 3, 5]) {
    const shares = await Promise.all(Array.from({ length: count }, (_, index) => collect({ index, count })));
    for (const [number, batch] of whole.entries()) {
      const parts = shares.map((batches) => batches[number]!);
      for (const field of ["spectra", "labels", "values"] as const) {
        assert.deepEqual(
          parts.flatMap((part) => part[field]),
          batch[field],
        );
      }
      let firstRow = 0;
      for (const part of parts) {
        assert.deepEqual(
          [part.firstRow, part.wholeSize, part.nextStart, part.shard],
          [firstRow, batch.size, batch.nextStart, batch.shard],
        );
        firstRow += part.size;
      }
    }
  }
});
