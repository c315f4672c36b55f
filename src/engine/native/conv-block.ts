/**
 * The convolution block on the native backend. B batch, L length, C channels, K taps.
 *
 * Backward starts when its first gradient is asked for, and not before: tfjs asks for the gradient of the input first if
 * it wants it at all, and the network's first block, the longest, can then do without.
 */

import type { Tensor } from "@tensorflow/tfjs-core";
import { leavesOf } from "../division";
import { type ConvBlockSizes, loadAddon } from "./addon";
import type { NativeBackend, Output } from "./backend";
import { convBlockBackwardCost, convBlockForwardCost } from "./cost";
import { type Divided, defineKernel, type Keep, tensorOf } from "./kernel";
import { timed } from "./profile";

export const CONV_BLOCK = "AsterolabConvBlock";

/** Gradients of a block by input; x is absent when nobody asked for it. */
type Gradients = Partial<Record<"x" | "weight" | "bias" | "scale" | "shift", Output>>;

/** Gradients of the last block that were made and never asked for, because their parameters are frozen. */
let unclaimed: Gradients = {};

export function defineConvBlock(): void {
  const addon = loadAddon();
  defineKernel<Divided & Keep>({
    name: CONV_BLOCK,
    saves: ["x", "weight", "bias", "scale", "shift"],
    forward: (backend, { x, weight, bias, scale, shift }, { keep, division }) => {
      disposeUnclaimed(backend);
      const sizes = sizesOf(x!.shape, weight!.shape, division);
      const out = backend.output([sizes.batch, Math.floor((sizes.length - 1) / 3) + 1, sizes.outChannels]);
      const saved = keep ? backend.saveWith(out, addon.convBlockSavedSize(sizes)) : null;
      timed(label("convBlockForward", sizes), convBlockForwardCost(sizes, saved?.length ?? 0), () =>
        addon.convBlockForward({
          ...sizes,
          out: out.array,
          saved,
          x: backend.floats(x!),
          weight: backend.floats(weight!),
          bias: backend.floats(bias!),
          scale: backend.floats(scale!),
          shift: backend.floats(shift!),
        }),
      );
      return out.info;
    },
    backward: (backend, dout, saved, { division }) => {
      disposeUnclaimed(backend);
      const claim = (name: keyof Gradients) => (): Tensor => {
        if (!unclaimed[name]) unclaimed = differentiate(backend, dout, saved, division, name === "x");
        const gradient = unclaimed[name]!;
        delete unclaimed[name];
        return tensorOf(gradient);
      };
      return {
        x: claim("x"),
        weight: claim("weight"),
        bias: claim("bias"),
        scale: claim("scale"),
        shift: claim("shift"),
      };
    },
  });
}

function differentiate(
  backend: NativeBackend,
  dout: Tensor,
  saved: readonly Tensor[],
  division: readonly number[],
  wantsX: boolean,
): Gradients {
  const addon = loadAddon();
  const [x, weight, bias, scale, shift, out] = saved;
  const sizes = sizesOf(x!.shape, weight!.shape, division);
  const leaves = leavesOf(division);
  // Not tracked tensors yet: tfjs would dispose them with the thunk that happens to be first.
  const gradients = {
    ...(wantsX && { x: backend.output(x!.shape) }),
    weight: backend.output(weight!.shape, leaves),
    bias: backend.output(bias!.shape, leaves),
    scale: backend.output(scale!.shape, leaves),
    shift: backend.output(shift!.shape, leaves),
  };
  timed(label("convBlockBackward", sizes), convBlockBackwardCost(sizes, addon.convBlockSavedSize(sizes), wantsX), () =>
    addon.convBlockBackward({
      ...sizes,
      dx: gradients.x?.array ?? null,
      dweight: gradients.weight.array,
      dbias: gradients.bias.array,
      dscale: gradients.scale.array,
      dshift: gradients.shift.array,
      dout: backend.floats(dout),
      x: backend.floats(x!),
      saved: backend.savedWith(out!, addon.convBlockSavedSize(sizes)),
      weight: backend.floats(weight!),
      bias: backend.floats(bias!),
      scale: backend.floats(scale!),
      shift: backend.floats(shift!),
    }),
  );
  backend.releaseSaved(out!);
  return gradients;
}

function disposeUnclaimed(backend: NativeBackend): void {
  for (const { info } of Object.values(unclaimed)) backend.disposeData(info.dataId);
  unclaimed = {};
}

function sizesOf(x: readonly number[], weight: readonly number[], division: readonly number[]): ConvBlockSizes {
  const [batch, length, inChannels] = x;
  return {
    batch: batch!,
    length: length!,
    inChannels: inChannels!,
    outChannels: weight[0]!,
    kernel: weight[2]!,
    division: Int32Array.from(division),
  };
}

function label(op: string, { length, inChannels, outChannels }: ConvBlockSizes): string {
  return `${op} ${length} x ${inChannels} -> ${outChannels}`;
}
