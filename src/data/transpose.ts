/** Fortran-ordered shards: transposed once, block by block, into a scratch file that is read by rows. */

import { randomBytes } from "node:crypto";
import { closeSync, openSync, unlinkSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DataError } from "../errors";
import { describeIoError } from "../files";
import type { FileReader } from "./file-reader";
import type { NpyHeader } from "./npy";

/** Bytes of the file held in memory at a time; the transposed block takes as much again. */
const BLOCK_BYTES = 32 * 2 ** 20;

export interface FortranMatrix {
  readonly path: string;
  readonly header: NpyHeader;
  readonly rows: number;
  readonly columns: number;
}

/**
 * Writes the values of a Fortran-ordered matrix row by row, in the byte order they have, into a nameless file of the
 * system's temporary folder (`TMPDIR`), as large as the matrix. In Fortran order a single row touches every page of the
 * file, so that reading rows in place would read the whole shard for each batch. The space is free again when the reader
 * is closed or the process ends.
 *
 * @returns the name under which `reader` reads the rows
 * @throws {DataError} when the temporary folder has no room.
 */
export async function transposeToScratch(matrix: FortranMatrix, reader: FileReader): Promise<string> {
  const scratch = join(tmpdir(), `asterolab-${process.pid}-${randomBytes(6).toString("hex")}.rows`);
  let descriptor: number | null = null;
  try {
    descriptor = openSync(scratch, "wx+");
    unlinkSync(scratch);
    await transpose(matrix, reader, descriptor);
    reader.adopt(scratch, descriptor);
    return scratch;
  } catch (cause) {
    if (descriptor !== null) closeSync(descriptor);
    if (cause instanceof DataError) throw cause;
    const megabytes = Math.ceil((matrix.rows * matrix.columns * matrix.header.itemBytes) / 1e6);
    throw new DataError(
      `Cannot transpose "${matrix.path}" into "${tmpdir()}": ${describeIoError(cause)}; it is in Fortran order and needs ` +
        `${megabytes} MB of temporary space (set TMPDIR to choose another folder)`,
      { path: matrix.path },
      { cause },
    );
  }
}

async function transpose(matrix: FortranMatrix, reader: FileReader, descriptor: number): Promise<void> {
  const { rows, columns } = matrix;
  const { itemBytes, dataOffset } = matrix.header;
  const columnsPerBlock = Math.max(1, Math.floor(BLOCK_BYTES / (rows * itemBytes)));
  const blockBytes = Math.min(columnsPerBlock, columns) * rows * itemBytes;
  const source = Buffer.from(new ArrayBuffer(blockBytes));
  const target = Buffer.from(new ArrayBuffer(blockBytes));
  for (let first = 0; first < columns; first += columnsPerBlock) {
    const width = Math.min(columnsPerBlock, columns - first);
    const bytes = source.subarray(0, width * rows * itemBytes);
    await reader.read(matrix.path, bytes, dataOffset + first * rows * itemBytes);
    transposeBlock(bytes, target, rows, width, itemBytes);
    for (let row = 0; row < rows; row++) {
      const piece = target.subarray(row * width * itemBytes, (row + 1) * width * itemBytes);
      writeFully(descriptor, piece, (row * columns + first) * itemBytes);
    }
  }
}

/** Thousands of small pieces a block: written in place, a request to the thread pool each would cost more. */
function writeFully(descriptor: number, bytes: Buffer, position: number): void {
  let written = 0;
  while (written < bytes.length) {
    written += writeSync(descriptor, bytes, written, bytes.length - written, position + written);
  }
}

/** [width, rows] -> [rows, width], moving items of 4 or 8 bytes as integers so that no bit of a value changes. */
function transposeBlock(source: Buffer, target: Buffer, rows: number, width: number, itemBytes: 4 | 8): void {
  const words = itemBytes / 4;
  const from = new Uint32Array(source.buffer, source.byteOffset, rows * width * words);
  const to = new Uint32Array(target.buffer, target.byteOffset, rows * width * words);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < width; column++) {
      for (let word = 0; word < words; word++) {
        to[(row * width + column) * words + word] = from[(column * rows + row) * words + word]!;
      }
    }
  }
}
