/** Writes small `.npy` files in any layout, byte by byte and apart from the product's writer, for tests. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";

export { temporaryFolder } from "../temporary-folder";

export interface Layout {
  readonly descr?: "<f4" | ">f4" | "<f8" | ">f8" | "<i4";
  readonly isFortranOrder?: boolean;
}

/** A version 1.0 header, as NumPy pads it. */
export function npyHeader(shape: readonly number[], { descr = "<f4", isFortranOrder = false }: Layout = {}): Buffer {
  const order = isFortranOrder ? "True" : "False";
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const text = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${tuple}, }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const prefix = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, length & 255, length >> 8]);
  return Buffer.concat([prefix, Buffer.from(`${text.padEnd(length - 1)}\n`)]);
}

/** The bytes of a matrix given row by row. */
export function npyBytes(rows: readonly ArrayLike<number>[], layout: Layout = {}): Buffer {
  const { descr = "<f4", isFortranOrder = false } = layout;
  const columns = rows[0]?.length ?? 0;
  const itemBytes = descr.endsWith("8") ? 8 : 4;
  const values = Buffer.alloc(rows.length * columns * itemBytes);
  for (const [row, content] of rows.entries()) {
    for (let column = 0; column < columns; column++) {
      const position = itemBytes * (isFortranOrder ? column * rows.length + row : row * columns + column);
      const value = content[column]!;
      if (descr === "<f4") values.writeFloatLE(value, position);
      else if (descr === ">f4") values.writeFloatBE(value, position);
      else if (descr === "<f8") values.writeDoubleLE(value, position);
      else if (descr === ">f8") values.writeDoubleBE(value, position);
      else values.writeInt32LE(value, position);
    }
  }
  return Buffer.concat([npyHeader([rows.length, columns], layout), values]);
}

export function writeNpy(path: string, rows: readonly ArrayLike<number>[], layout: Layout = {}): void {
  writeFileSync(path, npyBytes(rows, layout));
}

/** 36 label columns with every head inside its classes; `changes` by column. */
export function labelColumns(changes: Readonly<Record<number, number>> = {}): number[] {
  const columns = new Array<number>(36).fill(0);
  const typical: Readonly<Record<number, number>> = {
    ...{ 0: 0.2, 1: 1, 6: 0.02, 12: 10.05, 13: 0.52, 17: 81, 18: 0.35, 19: 0.21, 20: 50 },
    ...{ 21: 0.1, 23: 1.55, 24: 0.6, 25: 0.055, 34: 120, 35: 45 },
    ...changes,
  };
  for (const [column, value] of Object.entries(typical)) columns[Number(column)] = value;
  return columns;
}

/** One shard row: powers 1, 2, 3, ... times `scale`, then labels. */
export function shardRow(points: number, scale: number, changes: Readonly<Record<number, number>> = {}): number[] {
  return [...Array.from({ length: points }, (_, bin) => scale * (bin + 1)), ...labelColumns(changes)];
}

/**
 * A data set of `shards` shards without `dataset.json`; row r of shard s has numax 10 + r + rows * s and inc r, so that
 * every row can be told by its labels, and powers that begin with 1 + r + rows * s.
 */
export function writeDataset(folder: string, shape: { shards: number; rows: number; points: number }): void {
  const { shards, rows, points } = shape;
  for (let shard = 0; shard < shards; shard++) {
    const content = Array.from({ length: rows }, (_, row) => {
      const star = row + rows * shard;
      return shardRow(points, 1 + star, { 34: 10 + star, 35: row });
    });
    writeNpy(join(folder, `data_${String(shard).padStart(3, "0")}.npy`), content);
  }
}
