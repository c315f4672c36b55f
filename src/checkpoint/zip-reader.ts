/** Reads ZIP archives of stored entries at random positions, trusting nothing that the file says about itself. */

import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import * as yauzl from "yauzl";
import { readFully } from "../files";
import { crc32 } from "./crc32";
import { centralDirectory, localHeader, type ZipEntry } from "./zip-format";

/** An entry whose payload lies inside the file. */
export interface ZipPayload extends ZipEntry {
  /** Where the payload starts. */
  readonly offset: number;
}

const CHUNK_BYTES = 4 << 20;
const END_BYTES = 22;
const LOCATOR_BYTES = 20;
const ZIP64_END_BYTES = 56;

export class ZipReader {
  private constructor(
    private readonly file: FileHandle,
    readonly size: number,
    /** By full name, in the order of the central directory. */
    readonly entries: ReadonlyMap<string, ZipPayload>,
  ) {}

  /**
   * Reads the central directory of an open file, which stays open.
   *
   * @throws {Error} when the file is no ZIP archive, is cut off, has compressed, encrypted or doubled entries, or entries
   * that reach outside it or together claim more bytes than it has, or a directory with more entries than it counts.
   */
  static async open(file: FileHandle): Promise<ZipReader> {
    const { size } = await file.stat();
    const archive = await openArchive(new FileReader(file, size), size);
    const directory = await directoryOf(file, size);
    let recordsEnd = directory.start;
    const entries = new Map<string, ZipPayload>();
    let claimed = 0;
    for await (const entry of archive.eachEntry()) {
      const payload = await locate(archive, entry);
      claimed += payload.size;
      if (claimed > size) throw new Error(`its entries claim more than the ${size} bytes of the file`);
      if (entries.has(payload.name)) throw new Error(`it has two entries named "${payload.name}"`);
      entries.set(payload.name, payload);
      recordsEnd += 46 + entry.fileNameRaw.length + entry.extraFieldRaw.length + entry.fileCommentRaw.length;
    }
    // A damaged count would hide entries, the manifest among them.
    if (recordsEnd !== directory.end) throw new Error("its central directory has other entries than it counts");
    return new ZipReader(file, size, entries);
  }

  /**
   * The payload of an entry in memory of its own, its CRC-32 compared.
   *
   * @throws {Error} when the sum differs or the file ends early.
   */
  async read(entry: ZipPayload): Promise<{ bytes: Uint8Array; sha256: string }> {
    const bytes = new Uint8Array(entry.size);
    const hash = createHash("sha256");
    let crc = 0;
    let next = this.readAt(bytes.subarray(0, CHUNK_BYTES), entry.offset);
    for (let start = 0; start < entry.size; start += CHUNK_BYTES) {
      await next;
      const end = start + CHUNK_BYTES;
      // The sums of one chunk are taken while the operating system reads the next.
      next = this.readAt(bytes.subarray(end, end + CHUNK_BYTES), entry.offset + end);
      const chunk = bytes.subarray(start, end);
      hash.update(chunk);
      crc = crc32(chunk, crc);
    }
    await next;
    if (crc !== entry.crc) throw new Error(`entry "${entry.name}" is damaged: its CRC-32 differs`);
    return { bytes, sha256: hash.digest("hex") };
  }

  /**
   * Compares every byte outside the payloads with what our writer puts there, so that no flipped bit goes unseen.
   *
   * @throws {Error} naming the first header that differs.
   */
  async checkFraming(): Promise<void> {
    let position = 0;
    for (const entry of this.entries.values()) {
      const expected = localHeader(entry);
      const isInPlace = entry.headerOffset === position && entry.offset === position + expected.length;
      if (!isInPlace || !(await this.holds(expected, position))) {
        throw new Error(`the header of entry "${entry.name}" is damaged`);
      }
      position = entry.offset + entry.size;
    }
    const directory = centralDirectory([...this.entries.values()], position);
    if (this.size !== position + directory.length || !(await this.holds(directory, position))) {
      throw new Error("its central directory is damaged");
    }
  }

  private async holds(expected: Buffer, position: number): Promise<boolean> {
    const actual = Buffer.alloc(expected.length);
    await this.readAt(actual, position);
    return actual.equals(expected);
  }

  private readAt(bytes: Uint8Array, position: number): Promise<void> {
    return readFully(this.file, bytes, position);
  }
}

/** Serves yauzl from our file handle, and answers positions outside the file with an error. */
class FileReader extends yauzl.RandomAccessReader {
  constructor(
    private readonly file: FileHandle,
    private readonly size: number,
  ) {
    super();
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    if (!(position >= 0 && position + length <= this.size)) {
      callback(new Error(`it points to byte ${position}, but has ${this.size} bytes`));
      return;
    }
    readFully(this.file, buffer.subarray(offset, offset + length), position).then(() => callback(null), callback);
  }

  override close(callback: (error: Error | null) => void): void {
    callback(null);
  }
}

function openArchive(reader: FileReader, size: number): Promise<yauzl.ZipFile> {
  return new Promise((resolve, reject) => {
    yauzl.fromRandomAccessReader(reader, size, { lazyEntries: true, autoClose: false }, (error, archive) => {
      if (error) reject(error);
      else resolve(archive);
    });
  });
}

/** First byte of the central directory's records, and of the end records that must follow them at once. */
async function directoryOf(file: FileHandle, size: number): Promise<{ start: number; end: number }> {
  const tail = Buffer.alloc(Math.min(size, LOCATOR_BYTES + END_BYTES));
  await readFully(file, tail, size - tail.length);
  const end = tail.subarray(-END_BYTES);
  if (end.readUInt32LE(0) !== 0x06054b50) throw new Error("it has bytes after its central directory");
  const isZip64 = tail.length === LOCATOR_BYTES + END_BYTES && tail.readUInt32LE(0) === 0x07064b50;
  if (!isZip64) return { start: end.readUInt32LE(16), end: size - END_BYTES };
  const recordAt = Number(tail.readBigUInt64LE(8));
  if (!(recordAt + ZIP64_END_BYTES <= size)) throw new Error(`it points to byte ${recordAt}, but has ${size} bytes`);
  const record = Buffer.alloc(ZIP64_END_BYTES);
  await readFully(file, record, recordAt);
  return { start: Number(record.readBigUInt64LE(48)), end: recordAt };
}

async function locate(archive: yauzl.ZipFile, entry: yauzl.Entry): Promise<ZipPayload> {
  const name = entry.fileName;
  if (entry.isEncrypted()) throw new Error(`entry "${name}" is encrypted`);
  if (entry.compressionMethod !== 0) {
    throw new Error(`entry "${name}" is compressed; a .pth file has stored entries only (zip -0)`);
  }
  const header = await archive.readLocalFileHeaderPromise(entry);
  if (!header.fileName.equals(entry.fileNameRaw)) throw new Error(`the header of entry "${name}" is damaged`);
  return {
    name,
    size: entry.uncompressedSize,
    crc: entry.crc32,
    headerOffset: entry.relativeOffsetOfLocalHeader,
    isZip64: entry.extraFields.some((field) => field.id === 1),
    offset: header.fileDataStart,
  };
}
