/** Makes tensors from storages: in place where the layout is row-major, gathered into new memory where it is not. */

import { widenBfloat16, widenFloat16 } from "./half";
import type { StorageDType, TensorFactory, TensorView } from "./pickle-globals";
import { rowMajorStrides } from "./pickle-writer";
import { ARRAY_OF, type DType, elementCount, formatShape, TorchTensor, type TypedArray } from "./torch-values";

/** Widened and gathered copies may take this many times the file's bytes; a few real ones take twice, a bomb far more. */
const MAX_COPIED_BYTES_PER_FILE_BYTE = 4;

/**
 * A factory of tensors over the storages of one file.
 *
 * @param storages by key, each starting its own buffer.
 * @param fileBytes the file's size, which bounds the memory for copies.
 * @returns a function that throws an `Error` when a storage is missing or shorter than claimed, when a view reaches
 * outside its storage, or when copies would exceed the bound.
 */
export function tensorFactory(storages: ReadonlyMap<string, Uint8Array>, fileBytes: number): TensorFactory {
  const arrays = new Map<string, TypedArray>();
  const gathered = new Map<string, TypedArray>();
  let budget = MAX_COPIED_BYTES_PER_FILE_BYTE * fileBytes;
  const spend = (bytes: number): void => {
    budget -= bytes;
    if (!(budget >= 0))
      throw new Error(`its tensors unfold to more than ${MAX_COPIED_BYTES_PER_FILE_BYTE} times its size`);
  };

  const arrayOf = ({ storage, dtype }: TensorView): TypedArray => {
    const bytes = storages.get(storage.key);
    if (bytes === undefined) throw new Error(`it has no storage data/${storage.key}`);
    const itemBytes = itemBytesOf(dtype);
    const claimed = storage.count * (storage.dtype === null ? 1 : itemBytes);
    if (claimed > bytes.byteLength) {
      throw new Error(`storage data/${storage.key} claims ${claimed} bytes, but has ${bytes.byteLength}`);
    }
    const id = `${storage.key} ${dtype}`;
    let array = arrays.get(id);
    if (array === undefined) {
      if (isHalf(dtype)) spend(2 * bytes.byteLength);
      array = viewAs(dtype, bytes);
      arrays.set(id, array);
    }
    return array;
  };

  return (view) => {
    const source = arrayOf(view);
    const dtype = isHalf(view.dtype) ? "float32" : view.dtype;
    const count = elementCount(view.shape);
    if (count === 0) return new TorchTensor(dtype, view.shape, new ARRAY_OF[dtype](0));
    const last = view.shape.reduce((at, size, axis) => at + (size - 1) * view.strides[axis]!, view.offset);
    if (!Number.isSafeInteger(count) || last >= source.length) {
      throw new Error(
        `a tensor of shape ${formatShape(view.shape)} reaches element ${last} of storage data/${view.storage.key}, which has ${source.length}`,
      );
    }
    if (isRowMajor(view)) {
      return new TorchTensor(dtype, view.shape, source.subarray(view.offset, view.offset + count));
    }
    const id = JSON.stringify([view.storage.key, view.dtype, view.offset, view.shape, view.strides]);
    let data = gathered.get(id);
    if (data === undefined) {
      spend(count * source.BYTES_PER_ELEMENT);
      data = gather(source, view, dtype, count);
      gathered.set(id, data);
    }
    return new TorchTensor(dtype, view.shape, data);
  };
}

/** The floats of a tensor as float32; those of one storage are converted once, however many tensors share them. */
export function narrowed(data: Float32Array | Float64Array): Float32Array {
  if (data instanceof Float32Array) return data;
  const { buffer, byteOffset, length } = data;
  const size = Float64Array.BYTES_PER_ELEMENT;
  const whole =
    conversions.get(buffer) ?? Float32Array.from(new Float64Array(buffer, 0, Math.floor(buffer.byteLength / size)));
  conversions.set(buffer, whole);
  return whole.subarray(byteOffset / size, byteOffset / size + length);
}

/** By the memory that was converted. */
const conversions = new WeakMap<ArrayBufferLike, Float32Array>();

function isHalf(dtype: StorageDType): dtype is "float16" | "bfloat16" {
  return dtype === "float16" || dtype === "bfloat16";
}

function itemBytesOf(dtype: StorageDType): number {
  return isHalf(dtype) ? 2 : ARRAY_OF[dtype].BYTES_PER_ELEMENT;
}

function viewAs(dtype: StorageDType, bytes: Uint8Array): TypedArray {
  const count = Math.floor(bytes.byteLength / itemBytesOf(dtype));
  if (isHalf(dtype)) {
    const bits = new Uint16Array(bytes.buffer, bytes.byteOffset, count);
    return dtype === "float16" ? widenFloat16(bits) : widenBfloat16(bits);
  }
  return new ARRAY_OF[dtype](bytes.buffer as ArrayBuffer, bytes.byteOffset, count);
}

/** Axes of size 1 may have any stride. */
function isRowMajor({ shape, strides }: TensorView): boolean {
  const expected = rowMajorStrides(shape);
  return shape.every((size, axis) => size === 1 || strides[axis] === expected[axis]);
}

function gather(source: TypedArray, { offset, shape, strides }: TensorView, dtype: DType, count: number): TypedArray {
  const data = new ARRAY_OF[dtype](count);
  const index = new Array<number>(shape.length).fill(0);
  let at = offset;
  for (let i = 0; i < count; i++) {
    data[i] = source[at]!;
    // Steps to the next element in row-major order, carrying from the last axis to the first.
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      at += strides[axis]!;
      if (index[axis]! < shape[axis]!) break;
      at -= index[axis]! * strides[axis]!;
      index[axis] = 0;
    }
  }
  return data;
}
