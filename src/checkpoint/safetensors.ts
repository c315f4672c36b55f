/**
 * The `.safetensors` format: a JSON header that says where each tensor lies, then the bytes.
 *
 * Source: https://github.com/huggingface/safetensors (README "Format", `safetensors/src/tensor.rs`), whose checks are
 * made here too: no holes, no overlaps, no bytes after the last tensor, text-only metadata.
 */

import { promises as fs } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { readFully, writeFully } from "../files";
import { isJsonObject, parseJson } from "../json";
import { writeAtomically } from "./atomic";
import { widenBfloat16, widenFloat16 } from "./half";
import { loadError } from "./load-error";
import { ARRAY_OF, type DType, elementCount, formatShape, TorchTensor } from "./torch-values";

/** The content of a `.safetensors` file. */
export interface Safetensors {
  /** By name, in the order in which they lie in the file; half and bfloat16 are widened to float32. */
  readonly tensors: ReadonlyMap<string, TorchTensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Writes a file that `safetensors.torch.load_file` opens. Atomic, as {@link writeTorchFile} is.
 *
 * @throws {CheckpointError} when the file cannot be written.
 * @throws {RangeError} when a tensor has the name `__metadata__`.
 */
export async function writeSafetensors(path: string, { tensors, metadata }: Safetensors): Promise<void> {
  if (tensors.has(METADATA)) throw new RangeError(`Cannot write "${path}": ${METADATA} is no name for a tensor`);
  // By type, wider elements first, then by name, as the reference does: aligned, and equal weights give equal bytes.
  const ordered = [...tensors].sort(
    ([name, a], [other, b]) => TYPE_ORDER.indexOf(a.dtype) - TYPE_ORDER.indexOf(b.dtype) || (name < other ? -1 : 1),
  );
  let end = 0;
  const entries = ordered.map(([name, { dtype, shape, data }]) => {
    const start = end;
    end += data.byteLength;
    return [name, { dtype: NAME_OF[dtype], shape, data_offsets: [start, end] }] as const;
  });
  const fields = metadata.size > 0 ? [[METADATA, Object.fromEntries(metadata)] as const, ...entries] : entries;
  const json = Buffer.from(JSON.stringify(Object.fromEntries(fields)));
  const header = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, " ");
  header.writeBigUInt64LE(BigInt(header.length - 8));
  json.copy(header, 8);
  await writeAtomically([path], async (file) => {
    await writeFully(file, header, 0);
    let position = header.length;
    for (const [, { data }] of ordered) {
      await writeFully(file, new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
      position += data.byteLength;
    }
  });
}

/**
 * Reads a `.safetensors` file; memory stays within a small multiple of the file's size, whatever it claims.
 *
 * @throws {CheckpointError} when the file is missing, of another format, cut off, or breaks the format's rules.
 */
export async function readSafetensors(path: string): Promise<Safetensors> {
  let file: FileHandle | undefined;
  try {
    file = await fs.open(path, "r");
    const { size } = await file.stat();
    const { entries, metadata, dataStart } = parseHeader(await readHeader(file, size), size);
    const tensors = new Map<string, TorchTensor>();
    for (const entry of entries) {
      const bytes = new Uint8Array(entry.end - entry.start);
      await readFully(file, bytes, dataStart + entry.start);
      tensors.set(entry.name, tensorOf(entry, bytes));
    }
    return { tensors, metadata };
  } catch (error) {
    throw loadError(path, error);
  } finally {
    await file?.close();
  }
}

const METADATA = "__metadata__";
const MAX_HEADER_BYTES = 100_000_000;

const NAME_OF: Readonly<Record<DType, string>> = {
  int64: "I64",
  float64: "F64",
  float32: "F32",
  int32: "I32",
  int16: "I16",
  int8: "I8",
  uint8: "U8",
  bool: "BOOL",
};

const TYPE_ORDER = Object.keys(NAME_OF);

type StoredType = DType | "float16" | "bfloat16";

const TYPE_OF: ReadonlyMap<string, StoredType> = new Map<string, StoredType>([
  ...Object.entries(NAME_OF).map(([dtype, name]) => [name, dtype as DType] as const),
  ["F16", "float16"],
  ["BF16", "bfloat16"],
]);

interface Entry {
  readonly name: string;
  readonly type: StoredType;
  readonly shape: readonly number[];
  /** First byte and the one after the last, counted from the end of the header. */
  readonly start: number;
  readonly end: number;
}

async function readHeader(file: FileHandle, size: number): Promise<Buffer> {
  if (size < 8) throw new Error(`it has ${size} bytes, too few for a .safetensors file`);
  const start = Buffer.alloc(8);
  await readFully(file, start, 0);
  const length = start.readBigUInt64LE();
  if (length > BigInt(MAX_HEADER_BYTES) || Number(length) > size - 8) {
    throw new Error(`it is no .safetensors file, or cut off: its header claims ${length} bytes of ${size}`);
  }
  const header = Buffer.alloc(Number(length));
  await readFully(file, header, 8);
  return header;
}

function parseHeader(
  header: Buffer,
  size: number,
): { entries: Entry[]; metadata: Map<string, string>; dataStart: number } {
  let fields: unknown;
  try {
    fields = parseJson(new TextDecoder("utf-8", { fatal: true }).decode(header));
  } catch (cause) {
    throw new Error("its header is not JSON", { cause });
  }
  if (!isJsonObject(fields)) throw new Error("its header is no JSON object");
  const entries: Entry[] = [];
  let metadata = new Map<string, string>();
  for (const [name, field] of Object.entries(fields)) {
    if (name === METADATA) metadata = metadataOf(field);
    else entries.push(entryOf(name, field));
  }
  entries.sort((a, b) => a.start - b.start || a.end - b.end);
  const dataStart = 8 + header.length;
  let position = 0;
  for (const { name, start, end } of entries) {
    if (start !== position)
      throw new Error(`tensor "${name}" starts at byte ${start} of the data, expected ${position}`);
    position = end;
  }
  if (position !== size - dataStart) {
    throw new Error(`its tensors take ${position} bytes, but ${size - dataStart} follow the header`);
  }
  return { entries, metadata, dataStart };
}

function metadataOf(field: unknown): Map<string, string> {
  const entries = isJsonObject(field) ? Object.entries(field) : null;
  if (!entries?.every((entry): entry is [string, string] => typeof entry[1] === "string")) {
    throw new Error(`its ${METADATA} must hold texts only`);
  }
  return new Map(entries);
}

function entryOf(name: string, field: unknown): Entry {
  const { dtype, shape, data_offsets: offsets, ...rest }: Record<string, unknown> = isJsonObject(field) ? field : {};
  const type = TYPE_OF.get(String(dtype));
  if (type === undefined)
    throw new Error(`tensor "${name}" has element type ${JSON.stringify(dtype)}, which is not known`);
  const isWellFormed = isCounts(shape) && isCounts(offsets) && offsets.length === 2 && Object.keys(rest).length === 0;
  if (!isWellFormed) throw new Error(`tensor "${name}" has no valid shape and data_offsets`);
  const [start, end] = offsets as [number, number];
  const bytes = elementCount(shape) * itemBytesOf(type);
  if (end - start !== bytes) {
    throw new Error(
      `tensor "${name}" of shape ${formatShape(shape)} and type ${String(dtype)} needs ${bytes} bytes, has ${end - start}`,
    );
  }
  return { name, type, shape, start, end };
}

function tensorOf({ name, type, shape }: Entry, bytes: Uint8Array): TorchTensor {
  if (type === "bool" && bytes.some((byte) => byte > 1))
    throw new Error(`tensor "${name}" holds bytes that are no bool`);
  if (type === "float16") return new TorchTensor("float32", shape, widenFloat16(new Uint16Array(bytes.buffer)));
  if (type === "bfloat16") return new TorchTensor("float32", shape, widenBfloat16(new Uint16Array(bytes.buffer)));
  return new TorchTensor(type, shape, new ARRAY_OF[type](bytes.buffer as ArrayBuffer));
}

function itemBytesOf(type: StoredType): number {
  return type === "float16" || type === "bfloat16" ? 2 : ARRAY_OF[type].BYTES_PER_ELEMENT;
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}
