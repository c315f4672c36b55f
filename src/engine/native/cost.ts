/**
 * What each native op costs by arithmetic, from its sizes. B batch, L length, C channels, K taps, T steps, I inputs,
 * H units, O outputs.
 *
 * `nominalFlop` counts the plain sums of the op's definition, 2 a multiply-add; `flop` what the form in use executes.
 * They differ in the convolutions alone, which run in the frequency domain. `bytes` is the traffic that no cache can
 * save: each input read once, each output (and what backward keeps) written once.
 */

import { type ConvBlockSizes, type DenseSizes, type LstmSizes, loadAddon } from "./addon";

export interface OpCost {
  readonly flop: number;
  readonly nominalFlop: number;
  readonly bytes: number;
}

export const NO_COST: OpCost = { flop: 0, nominalFlop: 0, bytes: 0 };

/** Nominal 2 B L Cin Cout K. Reads x and the weights, writes the output and what backward keeps (`saved` floats). */
export function convBlockForwardCost(sizes: ConvBlockSizes, saved: number): OpCost {
  const { x, weights, out, product } = convBlockCounts(sizes);
  return {
    flop: loadAddon().convBlockFlop({ ...sizes, backward: false, wantsDx: false }),
    nominalFlop: product,
    bytes: bytesOf(x + weights + out + saved),
  };
}

/** Nominal 2 B L Cin Cout K for the weights' gradient, once more for the input's where it is wanted. */
export function convBlockBackwardCost(sizes: ConvBlockSizes, saved: number, wantsDx: boolean): OpCost {
  const { x, weights, out, product } = convBlockCounts(sizes);
  return {
    flop: loadAddon().convBlockFlop({ ...sizes, backward: true, wantsDx }),
    nominalFlop: (wantsDx ? 2 : 1) * product,
    bytes: bytesOf(out + saved + 2 * weights + (wantsDx ? x : 0)),
  };
}

/** 2 B T 4H (I + H). */
export function lstmForwardCost(sizes: LstmSizes, saved: number): OpCost {
  const { x, weights, out, product } = lstmCounts(sizes);
  return plain(product, x + weights + out + saved);
}

/** Gradients of inputs and of weights: twice forward. Reads what forward kept, 5 B T H. */
export function lstmBackwardCost(sizes: LstmSizes): OpCost {
  const { x, weights, out, product } = lstmCounts(sizes);
  return plain(2 * product, 2 * x + 2 * weights + 7 * out);
}

/** 2 B I O. */
export function denseForwardCost({ batch, inputs, outputs }: DenseSizes): OpCost {
  return plain(2 * batch * inputs * outputs, batch * inputs + outputs * (inputs + 1) + batch * outputs);
}

/** Gradients of input and weights: 4 B I O. */
export function denseBackwardCost({ batch, inputs, outputs }: DenseSizes): OpCost {
  const floats = 2 * batch * inputs + outputs * (2 * inputs + 1) + 2 * batch * outputs;
  return plain(4 * batch * inputs * outputs, floats);
}

/** One operation an element over `arrays` arrays of `size` floats, read or written. */
export function elementwiseCost(size: number, arrays: number): OpCost {
  return plain(size, arrays * size);
}

/** Square and sum. */
export function sumOfSquaresCost(size: number): OpCost {
  return plain(2 * size, size);
}

/** 13 operations a parameter; reads parameter, gradient and both moments, writes all but the gradient. */
export function adamCost(size: number): OpCost {
  return plain(13 * size, 7 * size);
}

function plain(flop: number, floats: number): OpCost {
  return { flop, nominalFlop: flop, bytes: bytesOf(floats) };
}

function convBlockCounts({ batch, length, inChannels, outChannels, kernel }: ConvBlockSizes) {
  return {
    x: batch * length * inChannels,
    weights: outChannels * (inChannels * kernel + 3),
    out: batch * (Math.floor((length - 1) / 3) + 1) * outChannels,
    product: 2 * batch * length * inChannels * outChannels * kernel,
  };
}

function lstmCounts({ batch, steps, inputs, units }: LstmSizes) {
  return {
    x: batch * steps * inputs,
    weights: 4 * units * (inputs + units + 2),
    out: batch * steps * units,
    product: 2 * batch * steps * 4 * units * (inputs + units),
  };
}

function bytesOf(floats: number): number {
  return floats * Float32Array.BYTES_PER_ELEMENT;
}
