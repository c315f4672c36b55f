/** The values a `.pth` file holds, as TypeScript sees them: Python's plain types and PyTorch's tensors. */

export type TypedArray = Float32Array | Float64Array | BigInt64Array | Int32Array | Int16Array | Int8Array | Uint8Array;

/** Element types in memory; PyTorch's `float16` and `bfloat16` are read as `float32`. */
export type DType = "float32" | "float64" | "int64" | "int32" | "int16" | "int8" | "uint8" | "bool";

/** The array that holds each element type; `bool` is one byte an element, 0 or 1. */
export const ARRAY_OF = {
  float32: Float32Array,
  float64: Float64Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const satisfies Record<DType, unknown>;

/**
 * A dense tensor in row-major order.
 *
 * Tensors that share their `data` array are written as one storage. Tensors that were read from one storage share memory
 * where their layout allows it: treat `data` as read-only.
 */
export class TorchTensor {
  /**
   * @param dtype the element type; `data` is its array in {@link ARRAY_OF}.
   * @param shape sizes; `[]` is a scalar.
   * @throws {RangeError} when the shape and the number of elements differ.
   * @throws {TypeError} when `data` is not the array of `dtype`.
   */
  constructor(
    readonly dtype: DType,
    readonly shape: readonly number[],
    readonly data: TypedArray,
  ) {
    if (!(data instanceof ARRAY_OF[dtype])) {
      throw new TypeError(`A ${dtype} tensor needs a ${ARRAY_OF[dtype].name}, got ${data.constructor.name}`);
    }
    if (elementCount(shape) !== data.length) {
      throw new RangeError(
        `A tensor of shape ${formatShape(shape)} needs ${elementCount(shape)} elements, got ${data.length}`,
      );
    }
  }
}

/** A Python tuple. */
export class TorchTuple {
  constructor(readonly items: readonly TorchValue[]) {}
}

/** A Python float; keeps 1.0 apart from the integer 1. */
export class TorchFloat {
  constructor(readonly value: number) {}
}

/**
 * What a `.pth` file can hold. Python's integers are `number` (or `bigint` outside the safe range), its floats
 * `TorchFloat`; for convenience, a `number` that is no safe integer is written as a float too. Dicts are `Map`s.
 */
export type TorchValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | TorchFloat
  | TorchTensor
  | TorchTuple
  | TorchValue[]
  | TorchDict;

/** A Python dict (or `OrderedDict`) with strings and integers as keys, in its order. */
export type TorchDict = Map<string | number, TorchValue>;

/** Values may nest this deep; deeper ones are refused on writing and on reading. */
export const MAX_DEPTH = 200;

/** The number of elements of a tensor of this shape; 1 for `[]`. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((count, size) => count * size, 1);
}

/** A shape as messages print it: `[16, 1, 51]`. */
export function formatShape(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}
