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

type Fast = (
  backend: NativeBackend,
  inputs: Record<string, TensorInfo>,
  attrs: Readonly<Record<string, unknown>>,
) => TensorInfo | TensorInfo[] | undefined;

/** What we do instead of a stock kernel; undefined leaves a case to the stock kernel. */
const REPLACED: Readonly<Record<string, Fast>> = {
  Add: (backend, { a, b }) => addFloats(backend, a!, b!) ?? addFloats(backend, b!, a!),
  Multiply: (backend, { a, b }) => scaleFloats(backend, a!, b!) ?? scaleFloats(backend, b!, a!),
  Concat: (backend, parts, { axis }) => joinColumns(backend, Object.values(parts), axis as number),
  SplitV: (backend, { x }, { numOrSizeSplits, axis }) =>
    splitColumns(backend, x!, numOrSizeSplits as number | number[], axis as number),
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
      fast?.(
        call.backend as NativeBackend,
        call.inputs as Record<string, TensorInfo>,
        call.attrs as Readonly<Record<string, unknown>>,
      ) ?? fallBack(kernelName, () => kernelFunc(call)),
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

/** Matrices side by side: the gradient of the trunk's input passes here in every step. */
function joinColumns(backend: NativeBackend, parts: readonly TensorInfo[], axis: number): TensorInfo | undefined {
  if (!parts.every((part) => isMatrix(part)) || !isLastAxis(axis)) return undefined;
  const rows = parts[0]!.shape[0]!;
  const width = parts.reduce((sum, { shape }) => sum + shape[1]!, 0);
  const out = backend.output([rows, width]);
  timed("concat", elementwiseCost(out.array.length, 2), () => {
    let start = 0;
    for (const part of parts) {
      const columns = part.shape[1]!;
      const values = backend.floats(part);
      for (let row = 0; row < rows; row++) {
        out.array.set(values.subarray(row * columns, (row + 1) * columns), row * width + start);
      }
      start += columns;
    }
  });
  return out.info;
}

/** The inverse of {@link joinColumns}, for given widths. */
function splitColumns(
  backend: NativeBackend,
  x: TensorInfo,
  widths: number | readonly number[],
  axis: number,
): TensorInfo[] | undefined {
  if (!isMatrix(x) || !isLastAxis(axis) || typeof widths === "number" || widths.includes(-1)) return undefined;
  const [rows, width] = x.shape as [number, number];
  const values = backend.floats(x);
  let start = 0;
  return widths.map((columns) => {
    const out = backend.output([rows, columns]);
    timed("split", elementwiseCost(out.array.length, 2), () => {
      for (let row = 0; row < rows; row++) {
        const first = row * width + start;
        out.array.set(values.subarray(first, first + columns), row * columns);
      }
    });
    start += columns;
    return out.info;
  });
}

function isMatrix({ dtype, shape }: TensorInfo): boolean {
  return dtype === "float32" && shape.length === 2 && !shape.includes(0);
}

function isLastAxis(axis: number): boolean {
  return axis === 1 || axis === -1;
}

function areFloats(a: TensorInfo, b: TensorInfo): boolean {
  return a.dtype === "float32" && b.dtype === "float32" && !a.shape.includes(0);
}

function isSuffix(short: readonly number[], long: readonly number[]): boolean {
  const skipped = long.length - short.length;
  return skipped >= 0 && short.every((size, axis) => size === long[skipped + axis]);
}
