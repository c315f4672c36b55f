/** A two-dimensional `.npy` file read by rows, whatever its size, value type, byte order and memory order. */

import { open } from "node:fs/promises";
import { DataError } from "../errors";
import { describeIoError, errorCode } from "../files";
import type { FileReader } from "./file-reader";
import { formatShape, type NpyHeader, readNpyHeader, swapBytes } from "./npy";
import { transposeToScratch } from "./transpose";

/** How many row reads of one call are under way at a time. */
const ROWS_AT_ONCE = 256;

export class NpyMatrix {
  private scratch: Promise<string> | null = null;
  /** Byte buffers for rows that are converted after reading; reused from row to row. */
  private readonly idleBuffers: Buffer[] = [];

  private constructor(
    readonly path: string,
    readonly header: NpyHeader,
    /** The bytes before the values. */
    readonly headerBytes: Buffer,
    readonly rows: number,
    readonly columns: number,
    private readonly reader: FileReader,
  ) {}

  /**
   * Opens a matrix; an array of one dimension counts as one row.
   *
   * @throws {DataError} when the file is missing, is no `.npy` matrix of floats, or its size contradicts its header.
   */
  static async open(path: string, reader: FileReader): Promise<NpyMatrix> {
    const { header, headerBytes } = await readHeader(path);
    const { shape } = header;
    if (shape.length < 1 || shape.length > 2 || shape.includes(0)) {
      throw new DataError(`Cannot use "${path}": its shape is ${formatShape(shape)}, expected [rows, columns]`, {
        path,
      });
    }
    const [rows, columns] = shape.length === 1 ? [1, shape[0]!] : [shape[0]!, shape[1]!];
    return new NpyMatrix(path, header, headerBytes, rows, columns, reader);
  }

  /**
   * Reads the first values of a row into `out`; the request is under way when the call returns, except for the first
   * request to a Fortran-ordered file, which waits until the file is transposed.
   *
   * @param out [count] with count <= columns; values are rounded when the file holds float64 and `out` float32
   */
  async readRow(row: number, out: Float32Array | Float64Array): Promise<void> {
    const { itemBytes, isFortranOrder, dataOffset } = this.header;
    const position = row * this.columns * itemBytes;
    if (isFortranOrder && this.rows > 1) {
      this.scratch ??= transposeToScratch(this, this.reader);
      await this.readValues(await this.scratch, position, out);
    } else {
      await this.readValues(this.path, dataOffset + position, out);
    }
  }

  /**
   * Reads the last `count` columns of all rows, block after block: `visit` gets the raw bytes of the file for a
   * fingerprint, and the values of each row in turn.
   *
   * @param visit called with a row's number and its values: [count], valid during the call
   * @param visitBytes called with the bytes as stored
   */
  async readLastColumns(
    count: number,
    visit: (row: number, values: Float64Array) => void,
    visitBytes: (bytes: Buffer) => void,
  ): Promise<void> {
    const { itemBytes, isFortranOrder, dataOffset } = this.header;
    const first = this.columns - count;
    const values = new Float64Array(count);
    if (isFortranOrder) {
      // The columns lie one behind the other: rows * count values in one piece.
      const bytes = Buffer.alloc(this.rows * count * itemBytes);
      await this.reader.read(this.path, bytes, dataOffset + first * this.rows * itemBytes);
      visitBytes(bytes);
      const columns = this.decode(bytes, new Float64Array(this.rows * count));
      for (let row = 0; row < this.rows; row++) {
        for (let column = 0; column < count; column++) values[column] = columns[column * this.rows + row]!;
        visit(row, values);
      }
      return;
    }
    const stride = count * itemBytes;
    for (let start = 0; start < this.rows; start += ROWS_AT_ONCE) {
      const rows = Math.min(ROWS_AT_ONCE, this.rows - start);
      const bytes = Buffer.alloc(rows * stride);
      const reads = Array.from({ length: rows }, (_, index) => {
        const position = dataOffset + ((start + index) * this.columns + first) * itemBytes;
        return this.reader.read(this.path, bytes.subarray(index * stride, (index + 1) * stride), position);
      });
      await Promise.all(reads);
      visitBytes(bytes);
      const block = this.decode(bytes, new Float64Array(rows * count));
      for (let index = 0; index < rows; index++) {
        values.set(block.subarray(index * count, (index + 1) * count));
        visit(start + index, values);
      }
    }
  }

  private async readValues(path: string, position: number, out: Float32Array | Float64Array): Promise<void> {
    const { itemBytes, isBigEndian } = this.header;
    if (out.BYTES_PER_ELEMENT === itemBytes) {
      const bytes = Buffer.from(out.buffer, out.byteOffset, out.byteLength);
      await this.reader.read(path, bytes, position);
      if (isBigEndian) swapBytes(bytes, itemBytes);
      return;
    }
    const spare = this.idleBuffers.pop();
    const length = out.length * itemBytes;
    const bytes = spare?.length === length ? spare : Buffer.from(new ArrayBuffer(length));
    await this.reader.read(path, bytes, position);
    this.decode(bytes, out);
    this.idleBuffers.push(bytes);
  }

  /** Turns stored bytes into numbers; the bytes are in the machine's order afterwards. */
  private decode<T extends Float32Array | Float64Array>(bytes: Buffer, out: T): T {
    const { itemBytes, isBigEndian } = this.header;
    if (isBigEndian) swapBytes(bytes, itemBytes);
    const values =
      itemBytes === 4
        ? new Float32Array(bytes.buffer, bytes.byteOffset, out.length)
        : new Float64Array(bytes.buffer, bytes.byteOffset, out.length);
    out.set(values);
    return out;
  }
}

async function readHeader(path: string): Promise<{ header: NpyHeader; headerBytes: Buffer }> {
  try {
    const handle = await open(path, "r");
    try {
      const header = await readNpyHeader(handle, path);
      const headerBytes = Buffer.alloc(header.dataOffset);
      await handle.read(headerBytes, 0, headerBytes.length, 0);
      return { header, headerBytes };
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    const isRequest = errorCode(cause) === "ENOENT";
    throw new DataError(`Cannot read "${path}": ${describeIoError(cause)}`, { path }, { cause, isRequest });
  }
}
