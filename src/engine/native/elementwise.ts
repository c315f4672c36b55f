/** Logarithm and dropout on the native backend. */

import type { DropoutWords } from "../dropout-mask";
import { loadAddon } from "./addon";
import { elementwiseCost } from "./cost";
import { defineKernel, tensorOf } from "./kernel";
import { timed } from "./profile";

export const LOG_POWER = "AsterolabLogPower";
export const DROPOUT = "AsterolabDropout";

export function defineElementwise(): void {
  const addon = loadAddon();
  defineKernel({
    name: LOG_POWER,
    saves: ["x"],
    forward: (backend, { x }) => {
      const out = backend.output(x!.shape);
      timed("logForward", elementwiseCost(out.array.length, 2), () =>
        addon.logForward({ size: out.array.length, out: out.array, x: backend.floats(x!) }),
      );
      return out.info;
    },
    backward: (backend, dout, [x]) => {
      const dx = backend.output(x!.shape);
      timed("logBackward", elementwiseCost(dx.array.length, 3), () =>
        addon.logBackward({
          size: dx.array.length,
          dx: dx.array,
          dout: backend.floats(dout),
          x: backend.floats(x!),
        }),
      );
      return { x: tensorOf(dx) };
    },
  });

  defineKernel<DropoutWords>({
    name: DROPOUT,
    saves: [],
    forward: (backend, { x }, words) => {
      const out = backend.output(x!.shape);
      timed("dropout", elementwiseCost(out.array.length, 2), () =>
        addon.dropout({ ...words, size: out.array.length, out: out.array, x: backend.floats(x!) }),
      );
      return out.info;
    },
    backward: (backend, dout, _saved, words) => {
      const dx = backend.output(dout.shape);
      // The mask is made again from its key, not stored.
      timed("dropout", elementwiseCost(dx.array.length, 2), () =>
        addon.dropout({ ...words, size: dx.array.length, out: dx.array, x: backend.floats(dout) }),
      );
      return { x: tensorOf(dx) };
    },
  });
}
