/**
 * Reads PyTorch's `data.pkl`. A pickle is a program; this interpreter knows an allow-list of its operations and names, runs
 * none of its code, needs memory in proportion to the pickle's length, and refuses the rest by name.
 *
 * Source: CPython `Lib/pickletools.py` (protocol 2), PyTorch `torch/_weights_only_unpickler.py`.
 */

import { type Global, globalOf, Inert, rebuild, StorageRef, type TensorFactory } from "./pickle-globals";
import { checkTree } from "./pickle-tree";
import { TorchFloat, TorchTuple, type TorchValue } from "./torch-values";

/**
 * Dicts, lists, tuples and what calls make, in one pickle: an empty dict takes one byte there and 200 here. A tensor takes
 * eight.
 */
const MAX_OBJECTS = 1 << 18;

/** What the stack holds while the pickle is read: values, and the names and references that tensors are made of. */
type Item = TorchValue | Global | StorageRef | Inert;

/**
 * Interprets a pickle.
 *
 * @param tensorOf makes a tensor from its reference to a storage.
 * @throws {Error} at the first operation, name or length that is not allowed, when the pickle is cut off, contains itself
 * or nests too deep, or when its shared parts would grow beyond bounds.
 */
export function readPickle(bytes: Uint8Array, tensorOf: TensorFactory): TorchValue {
  const machine = new PickleMachine(bytes, tensorOf);
  return checkTree(machine.run(), bytes.length);
}

class PickleMachine {
  private readonly bytes: Buffer;
  private at = 0;
  private readonly stack: Item[] = [];
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, Item>();
  private objects = 0;

  constructor(
    bytes: Uint8Array,
    private readonly tensorOf: TensorFactory,
  ) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  run(): unknown {
    for (;;) {
      const opAt = this.at;
      const code = this.uint8();
      if (code === 0x2e) break; // STOP
      const operation = OPERATIONS.get(code);
      if (operation === undefined) {
        throw new Error(
          `its pickle uses operation 0x${code.toString(16).padStart(2, "0")} at byte ${opAt}, which is not allowed`,
        );
      }
      operation(this);
    }
    const value = this.pop();
    if (this.stack.length > 0 || this.marks.length > 0) throw new Error("its pickle ends with values left over");
    return value;
  }

  push(item: Item): void {
    this.stack.push(item);
  }

  /** Pushes something new, the memory for which is counted. */
  pushNew(item: Map<string | number, TorchValue> | TorchValue[] | TorchTuple | StorageRef): void {
    this.count();
    this.push(item);
  }

  pop(): Item {
    if (this.stack.length <= (this.marks.at(-1) ?? 0))
      throw new Error(`its pickle takes from an empty stack at byte ${this.at}`);
    return this.stack.pop()!;
  }

  mark(): void {
    this.marks.push(this.stack.length);
  }

  popToMark(): Item[] {
    const mark = this.marks.pop();
    if (mark === undefined) throw new Error(`its pickle needs a mark at byte ${this.at}`);
    return this.stack.splice(mark);
  }

  popMany(count: number): Item[] {
    return Array.from({ length: count }, () => this.pop()).reverse();
  }

  take(count: number): Buffer {
    if (count > this.bytes.length - this.at) {
      throw new Error(`its pickle is cut off: ${count} bytes wanted at byte ${this.at} of ${this.bytes.length}`);
    }
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  uint8(): number {
    return this.take(1)[0]!;
  }

  uint32(): number {
    return this.take(4).readUInt32LE();
  }

  line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0) throw new Error(`its pickle is cut off in a name at byte ${this.at}`);
    const text = this.take(end - this.at).toString("latin1");
    this.at = end + 1;
    return text;
  }

  text(length: number): string {
    try {
      return UTF8.decode(this.take(length));
    } catch (cause) {
      if (!(cause instanceof TypeError)) throw cause;
      throw new Error(`its pickle holds a string that is not UTF-8 before byte ${this.at}`, { cause });
    }
  }

  /** Remembers the top of the stack. */
  put(index: number): void {
    const top = this.pop();
    this.memo.set(index, top);
    this.push(top);
  }

  get(index: number): void {
    const item = this.memo.get(index);
    if (item === undefined) throw new Error(`its pickle recalls item ${index}, which it never stored`);
    this.push(item);
  }

  setItems(items: readonly Item[]): void {
    const target = this.peek();
    if (target instanceof Inert) return;
    if (!(target instanceof Map))
      throw new Error(`its pickle sets items of something that is no dict at byte ${this.at}`);
    if (items.length % 2 !== 0) throw new Error(`its pickle has a key without a value at byte ${this.at}`);
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i];
      if (typeof key !== "string" && typeof key !== "number") {
        throw new Error(`its pickle has a dict key that is neither a string nor an integer at byte ${this.at}`);
      }
      target.set(key, items[i + 1] as TorchValue);
    }
  }

  appendItems(items: readonly Item[]): void {
    const target = this.peek();
    if (target instanceof Inert) return;
    if (!Array.isArray(target)) throw new Error(`its pickle appends to something that is no list at byte ${this.at}`);
    for (const item of items) target.push(item as TorchValue);
  }

  /** `callable(*args)`, for the few callables that are known. */
  reduce(): void {
    const args = this.pop();
    const callable = this.pop();
    if (!(args instanceof TorchTuple))
      throw new Error(`its pickle calls without a tuple of arguments at byte ${this.at}`);
    this.count();
    this.push(rebuild(callable, args.items, this.tensorOf));
  }

  /** An object's attributes: those of an `OrderedDict` are PyTorch's `_metadata`, which nothing here needs. */
  build(): void {
    this.pop();
    const target = this.peek();
    if (!(target instanceof Map || target instanceof Inert)) {
      throw new Error(`its pickle sets attributes of something that has none at byte ${this.at}`);
    }
  }

  private count(): void {
    if (++this.objects > MAX_OBJECTS) throw new Error(`its pickle makes more than ${MAX_OBJECTS} objects`);
  }

  private peek(): Item {
    const top = this.pop();
    this.push(top);
    return top;
  }
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The items are checked to be values, not names, when the whole tree is. */
function tuple(items: readonly Item[]): TorchTuple {
  return new TorchTuple(items as readonly TorchValue[]);
}

function integerOf(bytes: Uint8Array): number | bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
  value = BigInt.asIntN(8 * bytes.length, value);
  const isSafe = value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER);
  return isSafe ? Number(value) : value;
}

const OPERATIONS: ReadonlyMap<number, (machine: PickleMachine) => void> = new Map([
  // PROTO
  [
    0x80,
    (m) => {
      const protocol = m.uint8();
      if (protocol !== 2) throw new Error(`its pickle has protocol ${protocol}, expected 2 (torch.save's default)`);
    },
  ],
  [0x28, (m) => m.mark()], // MARK
  [0x30, (m) => void m.pop()], // POP
  [0x4e, (m) => m.push(null)], // NONE
  [0x88, (m) => m.push(true)], // NEWTRUE
  [0x89, (m) => m.push(false)], // NEWFALSE
  [0x4b, (m) => m.push(m.uint8())], // BININT1
  [0x4d, (m) => m.push(m.take(2).readUInt16LE())], // BININT2
  [0x4a, (m) => m.push(m.take(4).readInt32LE())], // BININT
  [0x8a, (m) => m.push(integerOf(m.take(m.uint8())))], // LONG1
  [0x47, (m) => m.push(new TorchFloat(m.take(8).readDoubleBE()))], // BINFLOAT
  [0x58, (m) => m.push(m.text(m.uint32()))], // BINUNICODE
  [0x7d, (m) => m.pushNew(new Map())], // EMPTY_DICT
  [0x5d, (m) => m.pushNew([])], // EMPTY_LIST
  [0x29, (m) => m.pushNew(tuple([]))], // EMPTY_TUPLE
  [0x74, (m) => m.pushNew(tuple(m.popToMark()))], // TUPLE
  [0x85, (m) => m.pushNew(tuple(m.popMany(1)))], // TUPLE1
  [0x86, (m) => m.pushNew(tuple(m.popMany(2)))], // TUPLE2
  [0x87, (m) => m.pushNew(tuple(m.popMany(3)))], // TUPLE3
  [0x61, (m) => m.appendItems([m.pop()])], // APPEND
  [0x65, (m) => m.appendItems(m.popToMark())], // APPENDS
  [0x73, (m) => m.setItems(m.popMany(2))], // SETITEM
  [0x75, (m) => m.setItems(m.popToMark())], // SETITEMS
  [0x71, (m) => m.put(m.uint8())], // BINPUT
  [0x72, (m) => m.put(m.uint32())], // LONG_BINPUT
  [0x68, (m) => m.get(m.uint8())], // BINGET
  [0x6a, (m) => m.get(m.uint32())], // LONG_BINGET
  [0x63, (m) => m.push(globalOf(m.line(), m.line()))], // GLOBAL
  [0x51, (m) => m.pushNew(StorageRef.of(m.pop()))], // BINPERSID
  [0x52, (m) => m.reduce()], // REDUCE
  [0x81, (m) => m.reduce()], // NEWOBJ
  [0x62, (m) => m.build()], // BUILD
]);
