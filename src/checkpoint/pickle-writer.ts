/** Writes values as PyTorch's `data.pkl`: Python pickle, protocol 2, tensors as references to storages. */

import {
  type DType,
  elementCount,
  MAX_DEPTH,
  TorchFloat,
  TorchTensor,
  TorchTuple,
  type TorchValue,
  type TypedArray,
} from "./torch-values";

/** PyTorch's storage class of each element type. */
export const STORAGE_NAME: Readonly<Record<DType, string>> = {
  float32: "FloatStorage",
  float64: "DoubleStorage",
  int64: "LongStorage",
  int32: "IntStorage",
  int16: "ShortStorage",
  int8: "CharStorage",
  uint8: "ByteStorage",
  bool: "BoolStorage",
};

/** A pickle, and the arrays it refers to as storages "0", "1", ... */
export interface Pickle {
  readonly bytes: Uint8Array;
  readonly storages: readonly TypedArray[];
}

/**
 * Pickles a value.
 *
 * @throws {RangeError} when it nests deeper than {@link MAX_DEPTH} (or contains itself), or an integer exceeds 255 bytes.
 * @throws {TypeError} when a string is not well-formed Unicode, a key is neither a string nor a safe integer, or a value
 * is none of {@link TorchValue}.
 */
export function writePickle(value: TorchValue): Pickle {
  const writer = new PickleWriter();
  writer.value(value, 0);
  return writer.finish();
}

class PickleWriter {
  private buffer: Buffer = Buffer.alloc(1 << 12);
  private length = 0;
  /** Where the unpickler keeps strings and globals that came before. */
  private readonly texts = new Map<string, number>();
  private readonly globals = new Map<string, number>();
  private readonly storages: { data: TypedArray; dtype: DType }[] = [];
  private readonly storageKeys = new Map<TypedArray, number>();

  constructor() {
    this.raw(0x80, 2); // PROTO 2
  }

  finish(): Pickle {
    this.op("."); // STOP
    return { bytes: this.buffer.subarray(0, this.length), storages: this.storages.map(({ data }) => data) };
  }

  value(value: TorchValue, depth: number): void {
    if (depth > MAX_DEPTH) throw new RangeError(`A value nests deeper than ${MAX_DEPTH} levels, or contains itself`);
    if (value === null) this.op("N");
    else if (typeof value === "boolean") this.raw(value ? 0x88 : 0x89);
    else if (typeof value === "number") this.number(value);
    else if (typeof value === "bigint") this.integer(value);
    else if (typeof value === "string") this.text(value);
    else if (value instanceof TorchFloat) this.float(value.value);
    else if (value instanceof TorchTensor) this.tensor(value);
    else if (value instanceof TorchTuple) this.tuple(value.items, depth);
    else if (Array.isArray(value)) this.list(value, depth);
    else if (value instanceof Map) this.dict(value, depth);
    else throw new TypeError(`A checkpoint cannot hold ${String(value)}: expected a value of TorchValue`);
  }

  private number(value: number): void {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) this.integer(BigInt(value));
    else this.float(value);
  }

  private integer(value: bigint): void {
    if (value >= 0n && value < 0x100n) {
      this.raw(0x4b, Number(value)); // BININT1
    } else if (value >= 0n && value < 0x10000n) {
      this.raw(0x4d, Number(value & 0xffn), Number(value >> 8n)); // BININT2
    } else if (value >= -0x80000000n && value < 0x80000000n) {
      this.op("J"); // BININT
      this.uint32(Number(BigInt.asUintN(32, value)));
    } else {
      const bytes = twosComplement(value);
      this.raw(0x8a, bytes.length, ...bytes); // LONG1
    }
  }

  private float(value: number): void {
    this.op("G"); // BINFLOAT
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(value);
    this.append(bytes);
  }

  private text(value: string): void {
    if (this.recall(this.texts, value)) return;
    if (/\p{Surrogate}/u.test(value))
      throw new TypeError(`The string ${JSON.stringify(value)} is not well-formed Unicode`);
    const bytes = Buffer.from(value, "utf8");
    this.op("X"); // BINUNICODE
    this.uint32(bytes.length);
    this.append(bytes);
    this.remember(this.texts, value);
  }

  private tuple(items: readonly TorchValue[], depth: number): void {
    this.op("(");
    for (const item of items) this.value(item, depth + 1);
    this.op("t");
  }

  private list(items: readonly TorchValue[], depth: number): void {
    this.op("](");
    for (const item of items) this.value(item, depth + 1);
    this.op("e");
  }

  private dict(entries: ReadonlyMap<string | number, TorchValue>, depth: number): void {
    this.op("}(");
    for (const [key, item] of entries) {
      if (typeof key !== "string" && !Number.isSafeInteger(key)) {
        throw new TypeError(`A dict's keys must be strings or integers, got ${String(key)}`);
      }
      this.value(key, depth + 1);
      this.value(item, depth + 1);
    }
    this.op("u");
  }

  /** `torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks)`. */
  private tensor({ dtype, shape, data }: TorchTensor): void {
    this.global("torch._utils", "_rebuild_tensor_v2");
    this.op("((");
    this.text("storage");
    this.global("torch", STORAGE_NAME[dtype]);
    this.text(String(this.storageKey(data, dtype)));
    this.text("cpu");
    this.number(data.length);
    this.op("tQ"); // BINPERSID
    this.number(0);
    this.tuple(shape, 0);
    this.tuple(rowMajorStrides(shape), 0);
    this.raw(0x89);
    this.global("collections", "OrderedDict");
    this.op(")R"); // an empty one
    this.op("tR"); // REDUCE
  }

  /** Tensors that share an array share a storage, as long as they see it as the same element type. */
  private storageKey(data: TypedArray, dtype: DType): number {
    const known = this.storageKeys.get(data);
    if (known !== undefined && this.storages[known]!.dtype === dtype) return known;
    this.storageKeys.set(data, this.storages.length);
    return this.storages.push({ data, dtype }) - 1;
  }

  private global(module: string, name: string): void {
    const lines = `${module}\n${name}\n`;
    if (this.recall(this.globals, lines)) return;
    this.op(`c${lines}`);
    this.remember(this.globals, lines);
  }

  /** Fetches what was written before under this key, if anything was. */
  private recall(memo: ReadonlyMap<string, number>, key: string): boolean {
    const index = memo.get(key);
    if (index !== undefined) this.memoOp(index, 0x68, 0x6a); // BINGET, LONG_BINGET
    return index !== undefined;
  }

  private remember(memo: Map<string, number>, key: string): void {
    const index = this.texts.size + this.globals.size;
    memo.set(key, index);
    this.memoOp(index, 0x71, 0x72); // BINPUT, LONG_BINPUT
  }

  private memoOp(index: number, shortCode: number, longCode: number): void {
    if (index < 0x100) {
      this.raw(shortCode, index);
    } else {
      this.raw(longCode);
      this.uint32(index);
    }
  }

  private op(codes: string): void {
    this.append(Buffer.from(codes, "latin1"));
  }

  private uint32(value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    this.append(bytes);
  }

  private raw(...bytes: number[]): void {
    this.append(Uint8Array.from(bytes));
  }

  private append(bytes: Uint8Array): void {
    const end = this.length + bytes.length;
    if (end > this.buffer.length) this.buffer = Buffer.concat([this.buffer], Math.max(end, 2 * this.buffer.length));
    this.buffer.set(bytes, this.length);
    this.length = end;
  }
}

/** Strides of a contiguous tensor, in elements: 1 along the last axis. */
export function rowMajorStrides(shape: readonly number[]): number[] {
  return shape.map((_, axis) => elementCount(shape.slice(axis + 1).map((size) => Math.max(size, 1))));
}

/** The fewest little-endian bytes that hold `value` with its sign. */
function twosComplement(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push(Number(rest & 0xffn));
    rest >>= 8n;
  } while (!(rest === 0n && bytes.at(-1)! < 0x80) && !(rest === -1n && bytes.at(-1)! >= 0x80));
  if (bytes.length > 255)
    throw new RangeError(`An integer needs ${bytes.length} bytes; a checkpoint holds at most 255`);
  return bytes;
}
