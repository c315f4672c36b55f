/** The tfjs backend `native`: tfjs's CPU backend with pooled memory, on which our kernels replace the hot ones. */

import { MathBackendCPU } from "@tensorflow/tfjs-backend-cpu";
import type { backend_util, DataType, TensorInfo } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { loadAddon } from "./addon";
import { Entry } from "./entry";
import { type Block, Pool, type PoolStatistics } from "./pool";

type DataId = TensorInfo["dataId"];

/** A tensor being made by an op. */
export interface Output {
  readonly info: TensorInfo;
  /** What the op writes: the tensor, and behind it what else is to be kept as long. */
  readonly array: Float32Array;
  readonly entry: Entry;
}

/** Smaller outputs (losses, biases) are plain arrays: they are often read, and a block that was read is lost. */
const LARGEST_UNPOOLED_BYTES = 4096;

export class NativeBackend extends MathBackendCPU {
  readonly pool = new Pool();
  private lastId = 0;

  /** Keeps a caller's array as a tensor's data, without a copy. */
  override write(values: backend_util.BackendValues, _shape: number[], dtype: DataType): DataId {
    return this.register(new Entry(values, dtype, false));
  }

  override move(
    dataId: DataId,
    values: backend_util.BackendValues,
    _shape: number[],
    dtype: DataType,
    refCount: number,
  ): void {
    const entry = new Entry(values, dtype, false);
    entry.refCount = refCount;
    this.data.set(dataId, entry);
  }

  override disposeData(dataId: DataId, force = false): boolean {
    const entry = this.data.has(dataId) ? this.entry(dataId) : undefined;
    const isGone = super.disposeData(dataId, force);
    if (isGone && entry) {
      if (entry.block) entry.escaped ? this.pool.forget(entry.block) : this.pool.giveBack(entry.block);
      if (entry.saved) this.pool.giveBack(entry.saved);
      entry.saved = null;
    }
    return isGone;
  }

  override memory(): { unreliable: boolean; reasons: string[]; pool: PoolStatistics; workspaceBytes: number } {
    return {
      unreliable: false,
      reasons: [],
      pool: this.pool.statistics(),
      workspaceBytes: loadAddon().workspaceBytes(),
    };
  }

  override dispose(): void {
    this.pool.clear();
  }

  /**
   * A new float32 tensor, to be written completely by an op; in pooled memory unless it is small.
   *
   * @param leaves 2 for a gradient that is the sum of two tensors of this shape until ranks have added theirs
   */
  output(shape: readonly number[], leaves = 1): Output {
    const tensorSize = tf.util.sizeFromShape([...shape]);
    const size = leaves * tensorSize;
    const bytes = size * Float32Array.BYTES_PER_ELEMENT;
    const block = bytes > LARGEST_UNPOOLED_BYTES ? this.pool.take(bytes) : null;
    const array = block ? floatsOf(block, size) : new Float32Array(size);
    const entry = new Entry(leaves === 1 ? array : array.subarray(0, tensorSize), "float32", true, block);
    if (leaves === 2) entry.secondLeaf = array.subarray(tensorSize);
    return { info: { dataId: this.register(entry), shape: [...shape], dtype: "float32" }, array, entry };
  }

  /** Memory that an output's backward needs: goes back to the pool with the output, or when backward is done. */
  saveWith(output: Output, size: number): Float32Array {
    output.entry.saved = this.pool.take(size * Float32Array.BYTES_PER_ELEMENT);
    return floatsOf(output.entry.saved, size);
  }

  /**
   * What `saveWith` kept for an output. Backward calls it once, then `releaseSaved`.
   *
   * @throws Error when it was released: the same output was differentiated twice.
   */
  savedWith({ dataId }: TensorInfo, size: number): Float32Array {
    const { saved } = this.entry(dataId);
    if (!saved) throw new Error("Cannot differentiate a native op's output twice: what backward needs is gone");
    return floatsOf(saved, size);
  }

  releaseSaved({ dataId }: TensorInfo): void {
    const entry = this.entry(dataId);
    if (entry.saved) this.pool.giveBack(entry.saved);
    entry.saved = null;
  }

  /** A tensor's float32 values, for reading by an op during its call. */
  floats({ dataId, dtype }: TensorInfo): Float32Array {
    const { array } = this.entry(dataId);
    if (!(array instanceof Float32Array)) throw new TypeError(`Cannot read a tensor as float32: it is ${dtype}`);
    return array;
  }

  /** A tensor's int32 values, for reading by an op during its call. */
  integers({ dataId, dtype }: TensorInfo): Int32Array {
    const { array } = this.entry(dataId);
    if (!(array instanceof Int32Array)) throw new TypeError(`Cannot read a tensor as int32: it is ${dtype}`);
    return array;
  }

  entry(dataId: DataId): Entry {
    return this.data.get(dataId) as unknown as Entry;
  }

  private register(entry: Entry): DataId {
    const dataId = { id: ++this.lastId };
    this.data.set(dataId, entry);
    return dataId;
  }
}

/** The backend in use; only for code that runs on it. */
export function nativeBackend(): NativeBackend {
  const backend = tf.backend();
  if (!(backend instanceof NativeBackend)) {
    throw new Error(`Cannot run a native op: the tfjs backend must be native, it is ${tf.getBackend()}`);
  }
  return backend;
}

function floatsOf(block: Block, size: number): Float32Array {
  return new Float32Array(block.buffer, 0, size);
}
