/** The fully connected layer on the native backend. B batch, I inputs, O outputs. */

import { leavesOf } from "../division";
import { type DenseSizes, loadAddon } from "./addon";
import { denseBackwardCost, denseForwardCost } from "./cost";
import { type Divided, defineKernel, tensorOf } from "./kernel";
import { timed } from "./profile";

export const DENSE = "AsterolabDense";

export function defineDense(): void {
  const addon = loadAddon();
  defineKernel<Divided & { tanh: boolean }>({
    name: DENSE,
    saves: ["x", "weight"],
    forward: (backend, { x, weight, bias }, { tanh, division }) => {
      const sizes = sizesOf(x!.shape, weight!.shape, tanh, division);
      const out = backend.output([sizes.batch, sizes.outputs]); // [B, O]
      timed("denseForward", denseForwardCost(sizes), () =>
        addon.denseForward({
          ...sizes,
          out: out.array,
          x: backend.floats(x!),
          weight: backend.floats(weight!),
          bias: backend.floats(bias!),
        }),
      );
      return out.info;
    },
    backward: (backend, dout, [x, weight, out], { tanh, division }) => {
      const sizes = sizesOf(x!.shape, weight!.shape, tanh, division);
      const dx = backend.output(x!.shape);
      const leaves = leavesOf(division);
      const dweight = backend.output(weight!.shape, leaves);
      const dbias = backend.output([sizes.outputs], leaves);
      timed("denseBackward", denseBackwardCost(sizes), () =>
        addon.denseBackward({
          ...sizes,
          dx: dx.array,
          dweight: dweight.array,
          dbias: dbias.array,
          dout: backend.floats(dout),
          out: backend.floats(out!),
          x: backend.floats(x!),
          weight: backend.floats(weight!),
        }),
      );
      return { x: tensorOf(dx), weight: tensorOf(dweight), bias: tensorOf(dbias) };
    },
  });
}

function sizesOf(
  x: readonly number[],
  weight: readonly number[],
  tanh: boolean,
  division: readonly number[],
): DenseSizes {
  return { batch: x[0]!, inputs: x[1]!, outputs: weight[0]!, tanh, division: Int32Array.from(division) };
}
