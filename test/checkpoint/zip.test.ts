/** The ZIP layer: layout, sums, 64-bit sizes, and claims that do not hold. */

import assert from "node:assert/strict";
import { promises as fs, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { deflateRawSync } from "node:zlib";
import { crc32, crc32ByTable } from "../../src/checkpoint/crc32";
import { ZipReader } from "../../src/checkpoint/zip-reader";
import { ZipWriter } from "../../src/checkpoint/zip-writer";
import { scratchFolder } from "./scratch";

const payloads = {
  "a/data.pkl": Buffer.from("first"),
  "a/ü/1": Buffer.alloc(0),
  "a/big": Buffer.alloc(9 << 20, "xyz"),
};

async function write(path: string, options: { zip64Limit?: number } = {}): Promise<void> {
  const file = await fs.open(path, "w");
  const zip = new ZipWriter(file, options);
  for (const [name, bytes] of Object.entries(payloads)) await zip.add(name, bytes);
  await zip.finish();
  await file.close();
}

async function open<T>(path: string, use: (zip: ZipReader) => Promise<T>): Promise<T> {
  const file = await fs.open(path, "r");
  try {
    return await use(await ZipReader.open(file));
  } finally {
    await file.close();
  }
}

for (const [what, options] of [
  ["32-bit", {}],
  ["64-bit", { zip64Limit: 1 }],
  ["mixed", { zip64Limit: 1000 }],
] as const) {
  test(`reads back what it wrote, with ${what} sizes`, async (t) => {
    const path = join(scratchFolder(t), "x.zip");
    await write(path, options);
    await open(path, async (zip) => {
      assert.deepEqual([...zip.entries.keys()], Object.keys(payloads));
      for (const [name, bytes] of Object.entries(payloads)) {
        const entry = zip.entries.get(name)!;
        assert.equal(entry.offset % 64, 0);
        assert.ok(Buffer.from((await zip.read(entry)).bytes).equals(bytes));
      }
      await zip.checkFraming();
    });
  });
}

test("sums as RFC 1952 does, with zlib and by table", () => {
  // The check value of CRC-32/ISO-HDLC.
  for (const sum of [crc32, crc32ByTable]) {
    assert.equal(sum(Buffer.from("123456789")), 0xcbf43926);
    assert.equal(sum(Buffer.from("56789"), sum(Buffer.from("1234"))), 0xcbf43926);
    assert.equal(sum(Buffer.alloc(0)), 0);
  }
});

test("finds a payload that changed by its sum", async (t) => {
  const path = join(scratchFolder(t), "x.zip");
  await write(path);
  const bytes = readFileSync(path);
  bytes[bytes.indexOf("first")]! ^= 1;
  writeFileSync(path, bytes);
  await open(path, (zip) =>
    assert.rejects(zip.read(zip.entries.get("a/data.pkl")!), {
      message: 'entry "a/data.pkl" is damaged: its CRC-32 differs',
    }),
  );
});

test("refuses compressed entries", async (t) => {
  const path = join(scratchFolder(t), "x.zip");
  writeFileSync(path, archiveOf([{ name: "a/x", data: deflateRawSync("aaaaaaaa"), method: 8, size: 8 }]));
  await assert.rejects(
    open(path, async () => {}),
    { message: /entry "a\/x" is compressed; a \.pth file has stored entries only/ },
  );
});

test("refuses encrypted entries", async (t) => {
  const path = join(scratchFolder(t), "x.zip");
  writeFileSync(path, archiveOf([{ name: "a/x", data: Buffer.alloc(20), flags: 1, size: 8 }]));
  await assert.rejects(
    open(path, async () => {}),
    { message: /entry "a\/x" is encrypted/ },
  );
});

test("refuses two entries of one name", async (t) => {
  const path = join(scratchFolder(t), "x.zip");
  const entry = { name: "a/x", data: Buffer.alloc(50) };
  writeFileSync(path, archiveOf([entry, { name: "b/x", data: Buffer.alloc(5000) }, { ...entry, offset: 0 }]));
  await assert.rejects(
    open(path, async () => {}),
    { message: 'it has two entries named "a/x"' },
  );
});

test("refuses entries that lie inside each other", async (t) => {
  const path = join(scratchFolder(t), "x.zip");
  const data = Buffer.alloc(5000);
  const inner = archiveOf([{ name: "a/x", data }]).subarray(0, 33 + data.length);
  writeFileSync(
    path,
    archiveOf([
      { name: "a/y", data: inner },
      { name: "a/x", data, offset: 33 },
    ]),
  );
  await assert.rejects(
    open(path, async () => {}),
    { message: /^its entries claim more than the \d+ bytes of the file$/ },
  );
});

for (const [what, options, counts] of [
  ["32-bit", {}, [-14, -12]],
  ["64-bit", { zip64Limit: 1 }, [-98 + 24, -98 + 32]],
] as const) {
  test(`refuses a directory that counts fewer entries than it has, with ${what} sizes`, async (t) => {
    const path = join(scratchFolder(t), "a.zip");
    await write(path, options);
    const bytes = readFileSync(path);
    // Entries on this disk, and in all: a reader may believe either.
    for (const at of counts) bytes[bytes.length + at] = 2;
    writeFileSync(path, bytes);
    await assert.rejects(
      open(path, async () => {}),
      { message: "its central directory has other entries than it counts" },
    );
  });
}

test("refuses an entry larger than the file", async (t) => {
  const path = join(scratchFolder(t), "x.zip");
  writeFileSync(path, archiveOf([{ name: "a/x", data: Buffer.alloc(10), size: 0x7fffffff, storedSize: 0x7fffffff }]));
  await assert.rejects(
    open(path, async () => {}),
    { message: /overflows file bounds/ },
  );
});

test("refuses 64-bit positions outside the file", async (t) => {
  const path = join(scratchFolder(t), "x.zip");
  await write(path, { zip64Limit: 1 });
  const bytes = readFileSync(path);
  for (const [signature, field] of [
    [0x07064b50, 8],
    [0x06064b50, 48],
  ] as const) {
    const at = bytes.lastIndexOf(Buffer.from(Uint32Array.of(signature).buffer));
    for (const value of [2n ** 64n - 1n, 2n ** 53n + 2n, BigInt(bytes.length)]) {
      const changed = Buffer.from(bytes);
      changed.writeBigUInt64LE(value, at + field);
      writeFileSync(path, changed);
      await assert.rejects(
        open(path, async () => {}),
        { message: /it points to byte/ },
      );
    }
  }
});

test("refuses a file cut off anywhere", async (t) => {
  await cutOff(t, 97);
});

async function cutOff(t: TestContext, step: number): Promise<void> {
  const path = join(scratchFolder(t), "x.zip");
  writeFileSync(path, archiveOf([{ name: "a/x", data: Buffer.alloc(1500) }]));
  const bytes = readFileSync(path);
  for (let length = bytes.length - 1; length >= 0; length -= step) {
    writeFileSync(path, bytes.subarray(0, length));
    await assert.rejects(open(path, async () => {}));
  }
}

interface RawEntry {
  name: string;
  data: Buffer;
  method?: number;
  flags?: number;
  size?: number;
  storedSize?: number;
  offset?: number;
}

/** A ZIP archive by hand, so that it can lie. */
function archiveOf(entries: readonly RawEntry[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let position = 0;
  for (const entry of entries) {
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(entry.flags ?? 0, 2);
    common.writeUInt16LE(entry.method ?? 0, 4);
    common.writeUInt32LE(crc32(entry.data), 10);
    common.writeUInt32LE(entry.storedSize ?? entry.data.length, 14);
    common.writeUInt32LE(entry.size ?? entry.data.length, 18);
    common.writeUInt16LE(entry.name.length, 22);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(entry.offset ?? position, 10);
    directory.push(Buffer.from("PK\x01\x02\x14\x00", "latin1"), common, tail, Buffer.from(entry.name));
    const local = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), common, Buffer.from(entry.name), entry.data]);
    if (entry.offset === undefined || parts.length === 0) {
      parts.push(local);
      position += local.length;
    }
  }
  const records = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", 0, "latin1");
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(records.length, 12);
  end.writeUInt32LE(position, 16);
  return Buffer.concat([...parts, records, end]);
}
