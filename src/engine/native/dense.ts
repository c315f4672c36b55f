/** The fully connected layer on the native backend. B batch, I inputs, O outputs. */

import { type DenseSizes, loadAddon } from "./addon";
import { denseBackwardCost, denseForwardCost } from "./cost";
import { defineKernel, tensorOf } from "./kernel";
import { timed } from "./profile";

export const DENSE = "AsterolabDense";

export function defineDense(): void {
  const addon = loadAddon();
  defineKernel<{ tanh: boolean }>({
    name: DENSE,
    saves: ["x", "weight"],
    forward: (backend, { x, weight, bias }, { tanh }) => {
      const sizes = sizesOf(x!.shape, weight!.shape, tanh);
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
    backward: (backend, dout, [x, weight, out], { tanh }) => {
      const sizes = sizesOf(x!.shape, weight!.shape, tanh);
      const dx = backend.output(x!.shape);
      const dweight = backend.output(weight!.shape);
      const dbias = backend.output([sizes.outputs]);
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

function sizesOf(x: readonly number[], weight: readonly number[], tanh: boolean): DenseSizes {
  return { batch: x[0]!, inputs: x[1]!, outputs: weight[0]!, tanh };
}
