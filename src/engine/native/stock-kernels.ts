/**
 * tfjs's CPU kernels on the native backend: the few a training step meets are replaced or free; the others run in
 * JavaScript, correct but slow, and are counted.
 */

import type { KernelConfig, TensorInfo } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { loadAddon } from "./addon";
import type { NativeBackend } from "./backend";
import { elementwiseCost } from "./cost";
import { BACKEND_NAME } from "./kernel";
import { fallBack, timed } from "./profile";

/** Kernels that only give a tensor's data another shape or handle. */
const FREE = new Set(["Identity", "Reshape", "ExpandDims"]);

type Fast = (backend: NativeBackend, inputs: Record<string, TensorInfo>) => TensorInfo | undefined;

/** What we do instead of a stock kernel; undefined leaves a case to the stock kernel. */
const REPLACED: Readonly<Record<string, Fast>> = {
  Add: (backend, { a, b }) => addFloats(backend, a!, b!) ?? addFloats(backend, b!, a!),
  Multiply: (backend, { a, b }) => scaleFloats(backend, a!, b!) ?? scaleFloats(backend, b!, a!),
};

/** Gives the native backend every CPU kernel that tfjs has registered. */
export function adoptStockKernels(): void {
  for (const kernel of tf.getKernelsForBackend("cpu")) tf.registerKernel(adopted(kernel));
}

function adopted(kernel: KernelConfig): KernelConfig {
  const { kernelName, kernelFunc } = kernel;
  if (FREE.has(kernelName)) return { ...kernel, backendName: BACKEND_NAME };
  const fast = REPLACED[kernelName];
  return {
    ...kernel,
    backendName: BACKEND_NAME,
    kernelFunc: (call) =>
      fast?.(call.backend as NativeBackend, call.inputs as Record<string, TensorInfo>) ??
      fallBack(kernelName, () => kernelFunc(call)),
  };
}

/** a + b where b repeats along a's leading dimensions. */
function addFloats(backend: NativeBackend, a: TensorInfo, b: TensorInfo): TensorInfo | undefined {
  if (!areFloats(a, b) || !isSuffix(b.shape, a.shape)) return undefined;
  const out = backend.output(a.shape);
  const addend = backend.floats(b);
  timed("add", elementwiseCost(out.array.length, 2), () =>
    loadAddon().add({ size: out.array.length, period: addend.length, out: out.array, a: backend.floats(a), b: addend }),
  );
  return out.info;
}

/** a times a finite scalar. */
function scaleFloats(backend: NativeBackend, a: TensorInfo, b: TensorInfo): TensorInfo | undefined {
  if (!areFloats(a, b) || b.shape.length > 0) return undefined;
  const factor = backend.floats(b)[0]!;
  if (!Number.isFinite(factor)) return undefined;
  const out = backend.output(a.shape);
  timed("scale", elementwiseCost(out.array.length, 2), () =>
    loadAddon().scale({ size: out.array.length, factor, out: out.array, a: backend.floats(a) }),
  );
  return out.info;
}

function areFloats(a: TensorInfo, b: TensorInfo): boolean {
  return a.dtype === "float32" && b.dtype === "float32" && !a.shape.includes(0);
}

function isSuffix(short: readonly number[], long: readonly number[]): boolean {
  const skipped = long.length - short.length;
  return skipped >= 0 && short.every((size, axis) => size === long[skipped + axis]);
}
