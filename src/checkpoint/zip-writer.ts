/** Writes a ZIP archive of stored entries to an open file, each payload read once: written, hashed and summed together. */

import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { writeFully } from "../files";
import { crc32 } from "./crc32";
import { centralDirectory, localHeader, ZIP64_LIMIT, type ZipEntry } from "./zip-format";

/** Large enough to keep the disk busy, small enough to stay in the cache between the hash and the sum. */
const CHUNK_BYTES = 4 << 20;

export class ZipWriter {
  private readonly entries: ZipEntry[] = [];
  private position = 0;

  /**
   * @param file an empty file open for writing; it stays open.
   * @param options.zip64Limit sizes and offsets from here on are written as 64-bit numbers.
   */
  constructor(
    private readonly file: FileHandle,
    private readonly options: { zip64Limit?: number } = {},
  ) {}

  /**
   * Appends an entry; `payload` must not change until the promise settles.
   *
   * @returns the SHA-256 of the payload, in hexadecimal.
   */
  async add(name: string, payload: Uint8Array): Promise<string> {
    const limit = this.options.zip64Limit ?? ZIP64_LIMIT;
    const isZip64 = payload.byteLength >= limit || this.position >= limit;
    const entry = { name, size: payload.byteLength, crc: 0, headerOffset: this.position, isZip64 };
    const payloadOffset = entry.headerOffset + localHeader(entry).length;
    const hash = createHash("sha256");
    for (let start = 0; start < payload.byteLength; start += CHUNK_BYTES) {
      const chunk = payload.subarray(start, start + CHUNK_BYTES);
      const written = this.write(chunk, payloadOffset + start);
      // The sums are taken while the operating system writes.
      hash.update(chunk);
      entry.crc = crc32(chunk, entry.crc);
      await written;
    }
    // The header holds the sum, so it is written last, into the space left for it.
    await this.write(localHeader(entry), entry.headerOffset);
    this.entries.push(entry);
    this.position = payloadOffset + payload.byteLength;
    return hash.digest("hex");
  }

  /** Writes the central directory; nothing can be added afterwards. */
  async finish(): Promise<void> {
    await this.write(centralDirectory(this.entries, this.position), this.position);
  }

  private write(bytes: Uint8Array, position: number): Promise<void> {
    return writeFully(this.file, bytes, position);
  }
}
