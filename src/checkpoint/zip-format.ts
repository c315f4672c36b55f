/**
 * The bytes of a ZIP archive of stored entries, as PyTorch lays it out: each payload starts at a multiple of 64 bytes,
 * with the gap filled by an extra field, so that `torch.load(mmap=True)` can map tensors in place.
 *
 * Source: PKWARE APPNOTE.TXT 6.3.10, sections 4.3 and 4.5; PyTorch `caffe2/serialize/inline_container.cc`.
 */

/** One entry, as the central directory describes it. */
export interface ZipEntry {
  readonly name: string;
  /** Bytes of the payload, which is stored uncompressed. */
  readonly size: number;
  readonly crc: number;
  /** Where the local header starts. */
  readonly headerOffset: number;
  /** Whether sizes and offset are written as 64-bit numbers. */
  readonly isZip64: boolean;
}

/** Payloads start at multiples of this many bytes. */
export const PAYLOAD_ALIGNMENT = 64;

/** Sizes and offsets from here on need ZIP64. */
export const ZIP64_LIMIT = 0xffffffff;

/** The local header of `entry`, ending where the payload starts. */
export function localHeader(entry: ZipEntry): Buffer {
  const name = Buffer.from(entry.name, "utf8");
  const sizes = entry.isZip64 ? zip64Field([entry.size, entry.size]) : Buffer.alloc(0);
  const fixed = Buffer.alloc(30);
  const unpadded = entry.headerOffset + fixed.length + name.length + sizes.length + 4;
  const filler = Buffer.alloc(4 + ((PAYLOAD_ALIGNMENT - (unpadded % PAYLOAD_ALIGNMENT)) % PAYLOAD_ALIGNMENT), "Z");
  filler.write("FB", 0, "latin1");
  filler.writeUInt16LE(filler.length - 4, 2);
  fixed.writeUInt32LE(0x04034b50, 0);
  writeCommonFields(fixed, 4, entry, name.length, sizes.length + filler.length);
  return Buffer.concat([fixed, name, sizes, filler]);
}

/** The central directory with its end records, to be written at `offset` after the entries. */
export function centralDirectory(entries: readonly ZipEntry[], offset: number): Buffer {
  const records = Buffer.concat(entries.map(directoryRecord));
  const needsZip64 = offset >= ZIP64_LIMIT || entries.length >= 0xffff || entries.some((entry) => entry.isZip64);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(needsZip64 ? 0xffff : entries.length, 8);
  end.writeUInt16LE(needsZip64 ? 0xffff : entries.length, 10);
  end.writeUInt32LE(needsZip64 ? 0xffffffff : records.length, 12);
  end.writeUInt32LE(needsZip64 ? 0xffffffff : offset, 16);
  if (!needsZip64) return Buffer.concat([records, end]);
  return Buffer.concat([records, zip64EndRecords(entries.length, records.length, offset), end]);
}

function directoryRecord(entry: ZipEntry): Buffer {
  const name = Buffer.from(entry.name, "utf8");
  const extra = entry.isZip64 ? zip64Field([entry.size, entry.size, entry.headerOffset]) : Buffer.alloc(0);
  const fixed = Buffer.alloc(46);
  fixed.writeUInt32LE(0x02014b50, 0);
  fixed.writeUInt16LE(versionOf(entry), 4);
  writeCommonFields(fixed, 6, entry, name.length, extra.length);
  fixed.writeUInt32LE(entry.isZip64 ? 0xffffffff : entry.headerOffset, 42);
  return Buffer.concat([fixed, name, extra]);
}

/** The 26 bytes that a local header and a directory record have in common, from "version needed" to "extra length". */
function writeCommonFields(header: Buffer, at: number, entry: ZipEntry, nameLength: number, extraLength: number): void {
  const size = entry.isZip64 ? 0xffffffff : entry.size;
  header.writeUInt16LE(versionOf(entry), at);
  header.writeUInt16LE(0x0800, at + 2); // names are UTF-8
  header.writeUInt16LE(0, at + 4); // stored
  header.writeUInt16LE(0, at + 6);
  header.writeUInt16LE(0x0021, at + 8); // 1980-01-01: the same state gives the same bytes
  header.writeUInt32LE(entry.crc, at + 10);
  header.writeUInt32LE(size, at + 14);
  header.writeUInt32LE(size, at + 18);
  header.writeUInt16LE(nameLength, at + 22);
  header.writeUInt16LE(extraLength, at + 24);
}

function versionOf(entry: ZipEntry): number {
  return entry.isZip64 ? 45 : 20;
}

function zip64Field(values: readonly number[]): Buffer {
  const field = Buffer.alloc(4 + 8 * values.length);
  field.writeUInt16LE(0x0001, 0);
  field.writeUInt16LE(8 * values.length, 2);
  values.forEach((value, i) => {
    field.writeBigUInt64LE(BigInt(value), 4 + 8 * i);
  });
  return field;
}

function zip64EndRecords(entryCount: number, directorySize: number, offset: number): Buffer {
  const records = Buffer.alloc(56 + 20);
  records.writeUInt32LE(0x06064b50, 0);
  records.writeBigUInt64LE(44n, 4); // bytes of this record after this field
  records.writeUInt16LE(45, 12);
  records.writeUInt16LE(45, 14);
  records.writeBigUInt64LE(BigInt(entryCount), 24);
  records.writeBigUInt64LE(BigInt(entryCount), 32);
  records.writeBigUInt64LE(BigInt(directorySize), 40);
  records.writeBigUInt64LE(BigInt(offset), 48);
  records.writeUInt32LE(0x07064b50, 56);
  records.writeBigUInt64LE(BigInt(offset + directorySize), 64);
  records.writeUInt32LE(1, 72);
  return records;
}
