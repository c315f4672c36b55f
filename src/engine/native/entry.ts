/** What the native backend keeps of a tensor: its array, and whether anybody but our own ops has seen that array. */

import type { backend_util, DataType, TensorInfo } from "@tensorflow/tfjs-core";
import type { Block } from "./pool";

type Values = backend_util.BackendValues;

/**
 * The record of one data id, in the form tfjs's CPU kernels expect. They, and readers, go through `values`, which marks
 * the array as escaped: its memory is then never handed out again nor written in place. Our ops use `array`.
 */
export class Entry {
  refCount = 1;
  complexTensorInfos?: { real: TensorInfo; imag: TensorInfo };
  /** What backward needs besides the output itself. */
  saved: Block | null = null;
  /** What is still to be added to a gradient, see `NativeBackend.output`. */
  secondLeaf: Float32Array | null = null;
  private hasEscaped: boolean;

  /**
   * @param array the tensor's elements
   * @param isOurs false when somebody outside made the array and may still hold it
   * @param block the pool's block that holds the array, if it does
   */
  constructor(
    readonly array: Values,
    readonly dtype: DataType,
    isOurs: boolean,
    readonly block: Block | null = null,
  ) {
    this.hasEscaped = !isOurs;
  }

  get values(): Values {
    this.hasEscaped = true;
    return this.array;
  }

  /** Whether somebody outside may hold the array. */
  get escaped(): boolean {
    return this.hasEscaped;
  }
}
