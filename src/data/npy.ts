/** The `.npy` format at the level of a shard: checked headers, and a writer whose file is complete or absent. */

import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { parse } from "npyjs";
import { DataError } from "../errors";
import { commitFile, discardFile, temporaryPath } from "../files";
import { writeError } from "./files";

/** Where and how the values of a `.npy` file are stored. */
export interface NpyHeader {
  readonly dtype: "float32" | "float64";
  readonly itemBytes: 4 | 8;
  readonly isBigEndian: boolean;
  /** True when the first index runs fastest. */
  readonly isFortranOrder: boolean;
  readonly shape: readonly number[];
  /** The position of the first value in the file. */
  readonly dataOffset: number;
}

const MAGIC = Buffer.from("\x93NUMPY", "latin1");
const MAX_HEADER_BYTES = 65536;
const ALIGNMENT = 64;

/**
 * Reads the header of an open `.npy` file and checks it against the file's size.
 *
 * @throws {DataError} when the file is no `.npy` file, holds other values than floats, or is truncated or too long.
 */
export async function readNpyHeader(handle: FileHandle, path: string): Promise<NpyHeader> {
  const { size } = await handle.stat();
  const bytes = Buffer.alloc(Math.min(size, MAX_HEADER_BYTES));
  await handle.read(bytes, 0, bytes.length, 0);
  const header = parseNpyHeader(bytes, path);
  const expected = header.dataOffset + header.itemBytes * header.shape.reduce((product, extent) => product * extent, 1);
  if (size !== expected) {
    const state = size < expected ? "is truncated" : "has bytes behind its values";
    throw new DataError(
      `Cannot read "${path}": the file ${state}: it has ${size} bytes, expected ${expected} for ` +
        `${header.dtype} values of shape ${formatShape(header.shape)}`,
      { path },
    );
  }
  return header;
}

/**
 * Parses the first bytes of a `.npy` file.
 *
 * @throws {DataError} when they are no header of float32 or float64 values.
 */
export function parseNpyHeader(bytes: Buffer, path: string): NpyHeader {
  if (bytes.length < 10 || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
    const found = bytes.subarray(0, MAGIC.length).toString("latin1");
    throw new DataError(
      `Cannot read "${path}": not a .npy file: it starts with ${JSON.stringify(found)}, expected "\\x93NUMPY"`,
      { path },
    );
  }
  const lengthBytes = bytes[6]! <= 1 ? 2 : 4;
  const textOffset = 8 + lengthBytes;
  const textLength = lengthBytes === 2 ? bytes.readUInt16LE(8) : bytes.length >= 12 ? bytes.readUInt32LE(8) : Infinity;
  const dataOffset = textOffset + textLength;
  if (dataOffset > bytes.length) {
    throw new DataError(`Cannot read "${path}": the .npy header is truncated after ${bytes.length} bytes`, { path });
  }
  const text = bytes.toString("latin1", textOffset, dataOffset);
  const order = /'descr'\s*:\s*'([<>=|])[^']*'/.exec(text)?.[1];
  const parsed = parseNeutral(text, path);
  if (parsed.dtype !== "f4" && parsed.dtype !== "f8") {
    throw new DataError(
      `Cannot read "${path}": values are of .npy type "${order ?? ""}${parsed.dtype}", expected float32 or float64`,
      { path },
    );
  }
  if (parsed.shape.some((extent) => !Number.isSafeInteger(extent) || extent < 0)) {
    throw new DataError(`Cannot read "${path}": malformed .npy header: shape ${formatShape(parsed.shape)}`, { path });
  }
  return {
    dtype: parsed.dtype === "f4" ? "float32" : "float64",
    itemBytes: parsed.dtype === "f4" ? 4 : 8,
    isBigEndian: order === ">",
    isFortranOrder: parsed.fortranOrder,
    shape: parsed.shape,
    dataOffset,
  };
}

/** A shape as messages write it: `[5120, 35728]`. */
export function formatShape(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}

/** Swaps the bytes of big-endian values in place. */
export function swapBytes(bytes: Buffer, itemBytes: 4 | 8): void {
  if (itemBytes === 4) bytes.swap32();
  else bytes.swap64();
}

/** What a finished shard consists of. */
export interface NpySummary {
  readonly rows: number;
  readonly bytes: number;
  /** Of the whole file, in hexadecimal. */
  readonly sha256: string;
}

/**
 * Writes a float32 matrix row by row. The file carries a temporary name until `finish`, so that a cut-off run leaves no
 * shard that looks complete.
 */
export class NpyWriter {
  private rowsWritten = 0;
  private position = 0;
  private readonly hash: Hash = createHash("sha256");

  private constructor(
    private readonly handle: FileHandle,
    private readonly temporary: string,
    private readonly path: string,
    private readonly rows: number,
    private readonly columns: number,
  ) {}

  /**
   * Starts a file of exactly `rows` rows of `columns` values.
   *
   * @throws {DataError} when the file cannot be written.
   */
  static async create(path: string, shape: { rows: number; columns: number }): Promise<NpyWriter> {
    const temporary = temporaryPath(path);
    let handle: FileHandle;
    try {
      handle = await open(temporary, "wx");
    } catch (cause) {
      throw writeError(path, cause);
    }
    const writer = new NpyWriter(handle, temporary, path, shape.rows, shape.columns);
    await writer.append(npyHeaderBytes([shape.rows, shape.columns]));
    return writer;
  }

  /**
   * Appends one or several rows: [n * columns] values, row after row.
   *
   * @throws {DataError} when the values are no whole rows, exceed the rows announced, or cannot be written.
   */
  async write(values: Float32Array): Promise<void> {
    const rows = values.length / this.columns;
    if (!Number.isInteger(rows) || this.rowsWritten + rows > this.rows) {
      await this.abort();
      throw new DataError(
        `Cannot write "${this.path}": got ${values.length} values after ${this.rowsWritten} rows, expected whole rows ` +
          `of ${this.columns} values, ${this.rows} in all`,
        { path: this.path },
      );
    }
    await this.append(Buffer.from(values.buffer, values.byteOffset, values.byteLength));
    this.rowsWritten += rows;
  }

  /**
   * Syncs the file and gives it its final name.
   *
   * @throws {DataError} when rows are missing or the file cannot be completed; the temporary file is removed then.
   */
  async finish(): Promise<NpySummary> {
    if (this.rowsWritten !== this.rows) {
      await this.abort();
      throw new DataError(`Cannot write "${this.path}": got ${this.rowsWritten} rows, expected ${this.rows}`, {
        path: this.path,
      });
    }
    try {
      await this.handle.sync();
      await this.handle.close();
      await commitFile(this.temporary, this.path);
    } catch (cause) {
      await this.abort();
      throw writeError(this.path, cause);
    }
    return { rows: this.rows, bytes: this.position, sha256: this.hash.digest("hex") };
  }

  /** Gives the file up and removes what was written; harmless after `finish`. */
  async abort(): Promise<void> {
    await this.handle.close();
    await discardFile(this.temporary);
  }

  private async append(bytes: Buffer): Promise<void> {
    try {
      let written = 0;
      while (written < bytes.length) {
        const result = await this.handle.write(bytes, written, bytes.length - written, this.position + written);
        written += result.bytesWritten;
      }
    } catch (cause) {
      await this.abort();
      throw writeError(this.path, cause);
    }
    this.hash.update(bytes);
    this.position += bytes.length;
  }
}

/** A version 1.0 header for C-ordered little-endian float32 values, padded so that the values start 64-byte aligned. */
function npyHeaderBytes(shape: readonly number[]): Buffer {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(", ")}), }`;
  const unpadded = 10 + text.length + 1;
  const total = Math.ceil(unpadded / ALIGNMENT) * ALIGNMENT;
  const bytes = Buffer.alloc(total, " ");
  MAGIC.copy(bytes);
  bytes.writeUInt8(1, 6);
  bytes.writeUInt8(0, 7);
  bytes.writeUInt16LE(total - 10, 8);
  bytes.write(text, 10, "latin1");
  bytes.write("\n", total - 1, "latin1");
  return bytes;
}

/**
 * Lets npyjs parse the header. It refuses big-endian values, values that do not start at a multiple of their size, and
 * Python 2's `5120L`, so the text is handed over in a neutral form; the values themselves are not passed.
 */
function parseNeutral(text: string, path: string): { dtype: string; fortranOrder: boolean; shape: number[] } {
  const neutral = text.replace(/('descr'\s*:\s*')[>=]/, "$1<").replace(/(\d)L\b/g, "$1");
  const bytes = Buffer.alloc(Math.ceil((12 + neutral.length) / ALIGNMENT) * ALIGNMENT, " ");
  MAGIC.copy(bytes);
  bytes.writeUInt16LE(2, 6); // version 2.0
  bytes.writeUInt32LE(bytes.length - 12, 8);
  bytes.write(neutral, 12, "latin1");
  try {
    return parse(Uint8Array.from(bytes).buffer);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DataError(`Cannot read "${path}": ${reason}`, { path }, { cause });
  }
}
