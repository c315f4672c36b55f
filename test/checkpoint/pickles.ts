/** Builds `.pth` files around a given pickle, hostile ones included. */

import { promises as fs } from "node:fs";
import { ZipWriter } from "../../src/checkpoint/zip-writer";

/** Bytes of a pickle from pieces: strings are latin-1 operations, numbers single bytes. */
export function pickle(...pieces: (string | number | Uint8Array)[]): Buffer {
  const parts = pieces.map((piece) =>
    typeof piece === "string" ? Buffer.from(piece, "latin1") : typeof piece === "number" ? Buffer.of(piece) : piece,
  );
  return Buffer.concat([Buffer.of(0x80, 2), ...parts]);
}

/** A little-endian unsigned 32-bit number. */
export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** BINUNICODE. */
export function text(value: string): Buffer {
  const bytes = Buffer.from(value, "utf8");
  return Buffer.concat([Buffer.from("X"), u32(bytes.length), bytes]);
}

/** A float tensor over storage "0", as PyTorch writes it; numbers below 256. */
export function tensor(options: {
  count: number;
  offset?: number;
  shape: readonly number[];
  strides: readonly number[];
}): Buffer {
  const sizes = (values: readonly number[]): Buffer =>
    Buffer.concat([
      Buffer.from("("),
      ...values.map((value) => Buffer.concat([Buffer.from("J"), u32(value)])),
      Buffer.from("t"),
    ]);
  const pieces: (string | Buffer)[] = [
    "ctorch._utils\n_rebuild_tensor_v2\n((",
    text("storage"),
    "ctorch\nFloatStorage\n",
  ];
  pieces.push(text("0"), text("cpu"), "J", u32(options.count), "tQ", "J", u32(options.offset ?? 0));
  pieces.push(sizes(options.shape), sizes(options.strides), "\x89ccollections\nOrderedDict\n)RtR");
  return Buffer.concat(pieces.map((piece) => (typeof piece === "string" ? Buffer.from(piece, "latin1") : piece)));
}

/** Writes an archive without a manifest, as PyTorch's own are. */
export async function writeArchive(path: string, entries: Readonly<Record<string, Uint8Array>>): Promise<void> {
  const file = await fs.open(path, "w");
  try {
    const zip = new ZipWriter(file);
    for (const [name, bytes] of Object.entries(entries)) await zip.add(name, bytes);
    await zip.finish();
  } finally {
    await file.close();
  }
}
