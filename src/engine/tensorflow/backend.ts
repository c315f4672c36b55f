/** The seam to tfjs-node's backend: TensorFlow ops by name, on tensors of tfjs. */

import type { Tensor, TensorInfo } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";

/** An attribute of an op: its kind is one of the binding's TF_ATTR_ constants. */
export interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: number | boolean | string | readonly number[];
}

export interface Operand {
  readonly id: number;
}

/** An op's result as the binding names it. */
export interface Handle extends Operand {
  readonly shape: number[];
  readonly dtype: number;
}

interface Binding {
  readonly TF_Version: string;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_INT64: number;
  createTensor(shape: readonly number[], dtype: number, values: Int32Array): number;
  deleteTensor(id: number): void;
  executeOp(name: string, attributes: readonly Attribute[], inputs: readonly number[], outputs: number): Handle[];
  tensorDataSync(id: number): Float32Array | Int32Array;
}

/** What is used here of tfjs-node's NodeJSKernelBackend. */
export interface TensorflowBackend {
  readonly isUsingGpuDevice: boolean;
  readonly binding: Binding;
  readonly tensorMap: { set(dataId: object, value: object): void };
  /** Gives a result to tfjs, which then frees it. */
  createOutputTensor(result: Handle): Tensor;
  getInputTensorIds(tensors: readonly TensorInfo[]): number[];
  executeMultipleOutputs(
    name: string,
    attributes: readonly Attribute[],
    inputs: readonly TensorInfo[],
    outputs: number,
  ): Tensor[];
}

export const BACKEND_NAME = "tensorflow";
/** TensorFlow's numbers for types that tfjs does not have. */
const TF_DOUBLE = 2;
const TF_BFLOAT16 = 14;

export type TypeName = "float32" | "float64" | "bfloat16" | "int32";

export function tensorflowBackend(): TensorflowBackend {
  return tf.backend() as unknown as TensorflowBackend;
}

export function typeAttribute(name: string, type: TypeName): Attribute {
  const { binding } = tensorflowBackend();
  const value = { float32: binding.TF_FLOAT, float64: TF_DOUBLE, bfloat16: TF_BFLOAT16, int32: binding.TF_INT32 }[type];
  return { name, type: binding.TF_ATTR_TYPE, value };
}

/** Results of ops that stay with the binding, since tfjs has no name for their type. */
export class Handles {
  private readonly owned = new Set<number>();

  /** Calls `work` and frees what it leaves here, whatever happens. */
  static within<Result>(work: (handles: Handles) => Result): Result {
    const handles = new Handles();
    try {
      return work(handles);
    } finally {
      for (const id of handles.owned) tensorflowBackend().binding.deleteTensor(id);
    }
  }

  /** A tensor of tfjs, which stays its owner. */
  of(tensor: TensorInfo): Operand {
    const [id] = tensorflowBackend().getInputTensorIds([tensor]);
    return { id: id! };
  }

  /** Runs an op of one output. */
  run(name: string, attributes: readonly Attribute[], inputs: readonly Operand[]): Handle {
    const ids = inputs.map(({ id }) => id);
    const [result] = tensorflowBackend().binding.executeOp(name, attributes, ids, 1);
    this.owned.add(result!.id);
    return result!;
  }

  cast(input: Operand, from: TypeName, to: TypeName): Handle {
    return this.run("Cast", [typeAttribute("SrcT", from), typeAttribute("DstT", to)], [input]);
  }

  free({ id }: Operand): void {
    if (this.owned.delete(id)) tensorflowBackend().binding.deleteTensor(id);
  }

  /** Gives a result of a type that tfjs has to tfjs. */
  toTensor(handle: Handle): Tensor {
    this.owned.delete(handle.id);
    return tensorflowBackend().createOutputTensor(handle);
  }
}

const int64Scalars = new Map<number, TensorInfo>();

/** An int64 scalar, which tfjs itself has no type for; made once and kept. */
export function int64Scalar(value: number): TensorInfo {
  const known = int64Scalars.get(value);
  if (known) return known;
  const { binding, tensorMap } = tensorflowBackend();
  const id = binding.createTensor([], binding.TF_INT64, Int32Array.of(value, 0));
  const dataId = {};
  tensorMap.set(dataId, { shape: [], dtype: binding.TF_INT64, id, values: null, refCount: 1 });
  const info: TensorInfo = { dataId, shape: [], dtype: "int32" };
  int64Scalars.set(value, info);
  return info;
}
