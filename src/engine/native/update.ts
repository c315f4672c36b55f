/** Gradient norm and Adam on the native backend, in place on the variables' own memory. */

import type { Tensor, Variable } from "@tensorflow/tfjs-core";
import type { AdamUpdate } from "../update";
import { loadAddon } from "./addon";
import { type NativeBackend, nativeBackend } from "./backend";
import { adamCost, sumOfSquaresCost } from "./cost";
import { tensorOf } from "./kernel";
import { timed } from "./profile";

export function globalNorm(gradients: readonly Tensor[]): number {
  const backend = nativeBackend();
  const arrays = gradients.map((gradient) => backend.floats(gradient));
  return Math.sqrt(
    timed("sumOfSquares", sumOfSquaresCost(floatsIn(arrays)), () => loadAddon().sumOfSquares({ arrays })),
  );
}

export function adamUpdate({ parameters, gradients, firstMoments, secondMoments, ...scalars }: AdamUpdate): void {
  const backend = nativeBackend();
  const writable = (variable: Variable): Float32Array => writableFloats(backend, variable);
  const arrays = {
    parameters: parameters.map(writable),
    gradients: gradients.map((gradient) => backend.floats(gradient)),
    firstMoments: firstMoments.map(writable),
    secondMoments: secondMoments.map(writable),
  };
  timed("adamUpdate", adamCost(floatsIn(arrays.parameters)), () => loadAddon().adamUpdate({ ...arrays, ...scalars }));
}

/**
 * A variable's own memory. When anybody else may look at it (the array came from outside or was read, or a clone shares
 * it) the variable first moves to memory of its own.
 */
function writableFloats(backend: NativeBackend, variable: Variable): Float32Array {
  const entry = backend.entry(variable.dataId);
  if (entry.escaped || entry.refCount > 1) {
    const own = backend.output(variable.shape);
    own.array.set(backend.floats(variable));
    const tensor = tensorOf<Tensor>(own);
    variable.assign(tensor);
    tensor.dispose();
    return own.array;
  }
  return backend.floats(variable);
}

function floatsIn(arrays: readonly Float32Array[]): number {
  return arrays.reduce((sum, { length }) => sum + length, 0);
}
