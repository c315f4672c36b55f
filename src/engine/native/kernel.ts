/** How the native engine's kernels are defined: forward on typed inputs and, in a form free of tfjs's traps, backward. */

import type { GradFunc, NamedAttrMap, Tensor, TensorInfo } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { type NativeBackend, nativeBackend } from "./backend";

export const BACKEND_NAME = "native";

/** One of our kernels. Names differ from tfjs's own, whose gradients belong to all backends. */
export interface NativeKernel<Attributes> {
  readonly name: string;
  readonly forward: (backend: NativeBackend, inputs: Record<string, TensorInfo>, attributes: Attributes) => TensorInfo;
  /** Inputs that backward reads, in this order; the output follows them. */
  readonly saves: readonly string[];
  /** Returns the gradient of each input, as a tensor made by `tensorOf` or as a function that makes it when asked. */
  readonly backward: (
    backend: NativeBackend,
    dout: Tensor,
    saved: readonly Tensor[],
    attributes: Attributes,
  ) => Record<string, Tensor | (() => Tensor)>;
}

/** Whether a backward may follow, for every kernel. */
export interface Keep {
  readonly keep: boolean;
}

/** How its backward sums over the batch (../division.ts). */
export interface Divided {
  readonly division: readonly number[];
}

export function defineKernel<Attributes>(kernel: NativeKernel<Attributes>): void {
  tf.registerKernel({
    kernelName: kernel.name,
    backendName: BACKEND_NAME,
    kernelFunc: ({ inputs, attrs, backend }) =>
      kernel.forward(backend as NativeBackend, inputs as Record<string, TensorInfo>, attrs as unknown as Attributes),
  });
  // Backward runs in the gradient function's body: results made inside one input's thunk would be disposed with it.
  const gradFunc: GradFunc = (dout, saved, attributes: NamedAttrMap) => {
    const gradients = kernel.backward(nativeBackend(), dout as Tensor, saved, attributes as unknown as Attributes);
    return Object.fromEntries(
      Object.entries(gradients).map(([name, value]) => [name, typeof value === "function" ? value : () => value]),
    );
  };
  tf.registerGradient({
    kernelName: kernel.name,
    inputsToSave: [...kernel.saves],
    outputsToSave: [true],
    gradFunc,
  });
}

/** A tracked tensor of what an op wrote. */
export function tensorOf<Result extends Tensor>({ info }: { readonly info: TensorInfo }): Result {
  return tf.engine().makeTensorFromTensorInfo(info) as Result;
}
