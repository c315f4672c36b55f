/** Takes values out of a dict by key and type, with errors that name the key. */

import { type TorchDict, TorchFloat, TorchTensor, TorchTuple, type TorchValue } from "./torch-values";

export class DictReader {
  constructor(
    private readonly dict: ReadonlyMap<string | number, TorchValue>,
    /** Where the dict is, for messages: `optimizer_state_dict`. */
    private readonly name: string,
  ) {}

  has(key: string): boolean {
    return this.dict.has(key);
  }

  /** @throws {Error} when there is no integer at `key`. */
  integer(key: string): number {
    const value = this.dict.get(key);
    return typeof value === "number" ? value : this.refuse(key, "an integer");
  }

  /** @throws {Error} when there is no number at `key`. */
  number(key: string): number {
    return plainNumber(this.dict.get(key)) ?? this.refuse(key, "a number");
  }

  /** @throws {Error} when there is neither a number nor None at `key`. */
  maybeNumber(key: string): number | null {
    return this.dict.get(key) === null ? null : this.number(key);
  }

  /** @throws {Error} when there is no string at `key`. */
  text(key: string): string {
    const value = this.dict.get(key);
    return typeof value === "string" ? value : this.refuse(key, "a string");
  }

  /** @throws {Error} when there is no dict at `key`. */
  dictAt(key: string | number): TorchDict {
    const value = this.dict.get(key);
    return value instanceof Map ? value : this.refuse(key, "a dict");
  }

  /** A reader of the dict at `key`. @throws {Error} when there is none. */
  readerAt(key: string | number): DictReader {
    return new DictReader(this.dictAt(key), this.pathOf(key));
  }

  /** The elements of the list or tuple at `key`. @throws {Error} when there is none. */
  list(key: string): readonly TorchValue[] {
    const value = this.dict.get(key);
    if (Array.isArray(value)) return value;
    return value instanceof TorchTuple ? value.items : this.refuse(key, "a list");
  }

  /** @throws {Error} when there is no tensor at `key`. */
  tensor(key: string): TorchTensor {
    const value = this.dict.get(key);
    return value instanceof TorchTensor ? value : this.refuse(key, "a tensor");
  }

  /** Every entry as a number. @throws {Error} naming the first that is none. */
  allNumbers(): Record<string, number> {
    return Object.fromEntries([...this.dict.keys()].map((key) => [key, this.number(String(key))]));
  }

  private refuse(key: string | number, expected: string): never {
    const found = this.dict.has(key) ? `is not ${expected}` : `is missing, expected ${expected}`;
    throw new Error(`${this.pathOf(key)} ${found}`);
  }

  private pathOf(key: string | number): string {
    return this.name === "" ? String(key) : `${this.name}.${key}`;
  }
}

/** The number in an int, a float or a tensor of one element, which is how some programs keep losses. */
export function plainNumber(value: TorchValue | undefined): number | null {
  if (value instanceof TorchFloat) return value.value;
  if (value instanceof TorchTensor && value.data.length === 1) return Number(value.data[0]);
  return typeof value === "number" ? value : null;
}
