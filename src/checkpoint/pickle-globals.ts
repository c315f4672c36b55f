/** The names a `data.pkl` may use, and what each stands for here. */

import { type DType, TorchTensor, TorchTuple, type TorchValue } from "./torch-values";

/** Element types of storages; the first two are widened to float32 when a tensor is made. */
export type StorageDType = DType | "float16" | "bfloat16";

/** A name of the allow-list, as `module.name`. */
export class Global {
  constructor(readonly name: string) {}
}

/** Stands for an object of PyTorch's own that is skipped, not made: a scheduler, an optimizer, a bound method. */
export class Inert {}

/** A reference to the storage `data/<key>` of the archive. */
export class StorageRef {
  private constructor(
    readonly key: string,
    /** null: bytes whose type the tensor names. */
    readonly dtype: StorageDType | null,
    /** Elements; bytes where `dtype` is null. */
    readonly count: number,
  ) {}

  /**
   * The reference in a persistent id `("storage", type, key, location, count)`.
   *
   * @throws {Error} when the id has another form.
   */
  static of(id: unknown): StorageRef {
    const [kind, type, key, , count] = id instanceof TorchTuple ? (id.items as readonly unknown[]) : [];
    const isStorage = kind === "storage" && type instanceof Global && STORAGES.has(type.name);
    if (!isStorage || typeof key !== "string" || !isCount(count)) {
      throw new Error("its pickle has a persistent id that names no storage");
    }
    return new StorageRef(key, STORAGES.get(type.name)!, count);
  }
}

/** Where a tensor's elements lie in a storage; offset and strides in elements. */
export interface TensorView {
  readonly storage: StorageRef;
  readonly dtype: StorageDType;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

export type TensorFactory = (view: TensorView) => TorchTensor;

/**
 * A name of the allow-list.
 *
 * @throws {Error} when it is not on the list.
 */
export function globalOf(module: string, name: string): Global {
  const path = `${module}.${name}`;
  const isAllowed =
    Object.hasOwn(CALLABLES, path) || STORAGES.has(path) || DTYPES.has(path) || INERT.has(path) || isOptimizer(path);
  if (!isAllowed) {
    throw new Error(
      `it uses the Python name ${JSON.stringify(path)}, which is not allowed: a checkpoint may hold tensors, dicts, lists, tuples, numbers and strings`,
    );
  }
  return new Global(path);
}

/**
 * What calling `callable` with `args` makes.
 *
 * @throws {Error} when `callable` cannot be called, or not so.
 */
export function rebuild(callable: unknown, args: readonly unknown[], tensorOf: TensorFactory): TorchValue | Inert {
  if (!(callable instanceof Global)) throw new Error("its pickle calls something that is not a name");
  if (INERT.has(callable.name) || isOptimizer(callable.name)) return new Inert();
  const make = CALLABLES[callable.name];
  const value = make?.(args, tensorOf);
  if (value === undefined) throw new Error(`its pickle calls ${callable.name} with arguments that do not fit`);
  return value;
}

/** What each callable makes of its arguments; `undefined` when they do not fit. */
const CALLABLES: Readonly<
  Record<string, (args: readonly unknown[], tensorOf: TensorFactory) => TorchValue | undefined>
> = {
  "collections.OrderedDict": (args) => (args.length === 0 ? new Map() : undefined),
  "torch.Size": ([sizes]) => (sizes instanceof TorchTuple ? sizes : undefined),
  // (tensor, requires_grad, backward_hooks)
  "torch._utils._rebuild_parameter": ([tensor]) => (tensor instanceof TorchTensor ? tensor : undefined),
  // (storage, offset, size, stride, requires_grad, backward_hooks[, metadata])
  "torch._utils._rebuild_tensor_v2": ([storage, offset, size, stride], tensorOf) =>
    storage instanceof StorageRef && storage.dtype !== null
      ? tensorFrom(storage, storage.dtype, offset, size, stride, tensorOf)
      : undefined,
  // (storage, offset, size, stride, requires_grad, backward_hooks, dtype[, metadata])
  "torch._utils._rebuild_tensor_v3": ([storage, offset, size, stride, , , dtype], tensorOf) =>
    storage instanceof StorageRef && dtype instanceof Global && DTYPES.has(dtype.name)
      ? tensorFrom(storage, DTYPES.get(dtype.name)!, offset, size, stride, tensorOf)
      : undefined,
};

function tensorFrom(
  storage: StorageRef,
  dtype: StorageDType,
  offset: unknown,
  size: unknown,
  stride: unknown,
  tensorOf: TensorFactory,
): TorchTensor | undefined {
  if (!isCount(offset) || !(size instanceof TorchTuple) || !(stride instanceof TorchTuple)) return undefined;
  const { items: shape } = size;
  const { items: strides } = stride;
  if (!shape.every(isCount) || !strides.every(isCount) || shape.length !== strides.length) return undefined;
  return tensorOf({ storage, dtype, offset, shape, strides });
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

const STORAGES: ReadonlyMap<string, StorageDType | null> = new Map<string, StorageDType | null>([
  ["torch.FloatStorage", "float32"],
  ["torch.DoubleStorage", "float64"],
  ["torch.HalfStorage", "float16"],
  ["torch.BFloat16Storage", "bfloat16"],
  ["torch.LongStorage", "int64"],
  ["torch.IntStorage", "int32"],
  ["torch.ShortStorage", "int16"],
  ["torch.CharStorage", "int8"],
  ["torch.ByteStorage", "uint8"],
  ["torch.BoolStorage", "bool"],
  ["torch.storage.UntypedStorage", null],
]);

const DTYPES: ReadonlyMap<string, StorageDType> = new Map(
  (["float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"] as const).map(
    (dtype) => [`torch.${dtype}`, dtype],
  ),
);

/**
 * `OneCycleLR.state_dict()` of PyTorch 1 holds a bound method, and through it the scheduler and the optimizer. These names
 * are skipped: nothing is looked up, called or made.
 */
const INERT: ReadonlySet<string> = new Set(["__builtin__.getattr", "__builtin__.dict", "collections.defaultdict"]);

function isOptimizer(path: string): boolean {
  return /^torch\.optim(\.[A-Za-z_]\w*)+$/.test(path);
}
