/** The LSTM on the native backend: one call for the whole sequence, each way. B batch, T steps, I inputs, H units. */

import { leavesOf } from "../division";
import { type LstmSizes, loadAddon } from "./addon";
import { lstmBackwardCost, lstmForwardCost } from "./cost";
import { type Divided, defineKernel, type Keep, tensorOf } from "./kernel";
import { timed } from "./profile";

export const LSTM = "AsterolabLstm";

export function defineLstm(): void {
  const addon = loadAddon();
  defineKernel<Divided & Keep>({
    name: LSTM,
    saves: ["x", "weightIh", "weightHh", "biasIh", "biasHh"],
    forward: (backend, { x, weightIh, weightHh, biasIh, biasHh }, { keep, division }) => {
      const sizes = sizesOf(x!.shape, weightHh!.shape, division);
      const out = backend.output([sizes.batch, sizes.steps, sizes.units]); // [B, T, H]
      const saved = keep ? backend.saveWith(out, savedSize(sizes)) : null;
      timed("lstmForward", lstmForwardCost(sizes, saved?.length ?? 0), () =>
        addon.lstmForward({
          ...sizes,
          out: out.array,
          saved,
          x: backend.floats(x!),
          weightIh: backend.floats(weightIh!),
          weightHh: backend.floats(weightHh!),
          biasIh: backend.floats(biasIh!),
          biasHh: backend.floats(biasHh!),
        }),
      );
      return out.info;
    },
    backward: (backend, dout, [x, weightIh, weightHh, biasIh, biasHh, out], { division }) => {
      const sizes = sizesOf(x!.shape, weightHh!.shape, division);
      const dx = backend.output(x!.shape);
      const leaves = leavesOf(division);
      const dweightIh = backend.output(weightIh!.shape, leaves);
      const dweightHh = backend.output(weightHh!.shape, leaves);
      const dbiasIh = backend.output(biasIh!.shape, leaves);
      const dbiasHh = backend.output(biasHh!.shape, leaves);
      timed("lstmBackward", lstmBackwardCost(sizes), () =>
        addon.lstmBackward({
          ...sizes,
          dx: dx.array,
          dweightIh: dweightIh.array,
          dweightHh: dweightHh.array,
          dbiasIh: dbiasIh.array,
          dbiasHh: dbiasHh.array,
          dout: backend.floats(dout),
          out: backend.floats(out!),
          x: backend.floats(x!),
          weightIh: backend.floats(weightIh!),
          weightHh: backend.floats(weightHh!),
          biasIh: backend.floats(biasIh!),
          biasHh: backend.floats(biasHh!),
          saved: backend.savedWith(out!, savedSize(sizes)),
        }),
      );
      backend.releaseSaved(out!);
      return {
        x: tensorOf(dx),
        weightIh: tensorOf(dweightIh),
        weightHh: tensorOf(dweightHh),
        biasIh: tensorOf(dbiasIh),
        biasHh: tensorOf(dbiasHh),
      };
    },
  });
}

function sizesOf(x: readonly number[], weightHh: readonly number[], division: readonly number[]): LstmSizes {
  return { batch: x[0]!, steps: x[1]!, inputs: x[2]!, units: weightHh[1]!, division: Int32Array.from(division) };
}

/** Activated gates [B, T, 4H] and cells [B, T, H] (native/ops/lstm.h). */
function savedSize({ batch, steps, units }: LstmSizes): number {
  return 5 * batch * steps * units;
}
