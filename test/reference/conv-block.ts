/**
 * conv1d -> ReLU -> GroupNorm(one channel a group) -> MaxPool1d(3, 1, 1) -> AvgPool1d(3, 3, 1) as PyTorch defines them.
 * x [B, L, Cin], weight [Cout, Cin, K], bias, scale, shift [Cout] -> [B, floor((L - 1) / 3) + 1, Cout].
 */

import type { Arrays, Reference, Shapes } from "./op";

const EPSILON = 1e-5;

/** One row and output channel on the way through the block; arrays over the length. */
interface Line {
  readonly sum: Float64Array; // convolution plus bias
  readonly hat: Float64Array; // zero mean, unit variance
  readonly deviation: number; // sqrt(variance + eps)
  readonly winner: Int32Array; // where each maximum came from
}

export const convBlock: Reference = {
  forward(inputs, shapes) {
    const { batch, length, outChannels, pooled } = sizes(shapes);
    const out = new Float64Array(batch * pooled * outChannels);
    for (let b = 0; b < batch; b++) {
      for (let o = 0; o < outChannels; o++) {
        const { hat, winner } = line(inputs, shapes, b, o);
        for (let j = 0; j < pooled; j++) {
          let total = 0;
          for (let i = 3 * j - 1; i <= 3 * j + 1; i++) {
            if (i >= 0 && i < length) total += hat[winner[i]!]! * inputs.scale![o]! + inputs.shift![o]!;
          }
          out[(b * pooled + j) * outChannels + o] = total / 3;
        }
      }
    }
    return out;
  },

  backward(inputs, shapes, dout) {
    const { batch, length, inChannels, outChannels, taps, pooled } = sizes(shapes);
    const half = (taps - 1) / 2;
    const x = inputs.x!;
    const weight = inputs.weight!;
    const dx = new Float64Array(x.length);
    const dweight = new Float64Array(weight.length);
    const dbias = new Float64Array(outChannels);
    const dscale = new Float64Array(outChannels);
    const dshift = new Float64Array(outChannels);
    for (let b = 0; b < batch; b++) {
      for (let o = 0; o < outChannels; o++) {
        const { sum, hat, deviation, winner } = line(inputs, shapes, b, o);
        const dnormal = new Float64Array(length);
        for (let j = 0; j < pooled; j++) {
          for (let i = 3 * j - 1; i <= 3 * j + 1; i++) {
            if (i >= 0 && i < length) dnormal[winner[i]!]! += dout[(b * pooled + j) * outChannels + o]! / 3;
          }
        }
        let mean = 0; // of dhat
        let slope = 0; // of dhat times hat
        for (let i = 0; i < length; i++) {
          dscale[o]! += dnormal[i]! * hat[i]!;
          dshift[o]! += dnormal[i]!;
          mean += (dnormal[i]! * inputs.scale![o]!) / length;
          slope += (dnormal[i]! * inputs.scale![o]! * hat[i]!) / length;
        }
        for (let i = 0; i < length; i++) {
          if (!(sum[i]! > 0)) continue; // ReLU: no gradient at or below zero
          const dsum = (dnormal[i]! * inputs.scale![o]! - mean - hat[i]! * slope) / deviation;
          dbias[o]! += dsum;
          for (let c = 0; c < inChannels; c++) {
            for (let k = 0; k < taps; k++) {
              const from = i + k - half;
              if (from < 0 || from >= length) continue;
              dweight[(o * inChannels + c) * taps + k]! += dsum * x[(b * length + from) * inChannels + c]!;
              dx[(b * length + from) * inChannels + c]! += dsum * weight[(o * inChannels + c) * taps + k]!;
            }
          }
        }
      }
    }
    return { x: dx, weight: dweight, bias: dbias, scale: dscale, shift: dshift };
  },
};

function line(inputs: Arrays, shapes: Shapes, b: number, o: number): Line {
  const { length, inChannels, taps } = sizes(shapes);
  const half = (taps - 1) / 2;
  const x = inputs.x!;
  const weight = inputs.weight!;
  const sum = new Float64Array(length).fill(inputs.bias![o]!);
  for (let i = 0; i < length; i++) {
    for (let k = 0; k < taps; k++) {
      const from = i + k - half;
      if (from < 0 || from >= length) continue;
      for (let c = 0; c < inChannels; c++) {
        sum[i]! += x[(b * length + from) * inChannels + c]! * weight[(o * inChannels + c) * taps + k]!;
      }
    }
  }
  // Written so that NaN stays NaN, as in PyTorch.
  const active = sum.map((value) => Math.max(value, 0));
  const mean = active.reduce((total, value) => total + value, 0) / length;
  const variance = active.reduce((total, value) => total + (value - mean) ** 2, 0) / length;
  const deviation = Math.sqrt(variance + EPSILON);
  const hat = active.map((value) => (value - mean) / deviation);
  const winner = new Int32Array(length);
  const scale = inputs.scale![o]!;
  for (let i = 0; i < length; i++) {
    let best = -1;
    for (const candidate of [i - 1, i, i + 1]) {
      if (candidate < 0 || candidate >= length) continue;
      if (best < 0 || hat[candidate]! * scale > hat[best]! * scale) best = candidate; // the first of equals
    }
    winner[i] = best;
  }
  return { sum, hat, deviation, winner };
}

function sizes(shapes: Shapes) {
  const [batch, length, inChannels] = shapes.x as [number, number, number];
  const [outChannels, , taps] = shapes.weight as [number, number, number];
  return { batch, length, inChannels, outChannels, taps, pooled: Math.floor((length - 1) / 3) + 1 };
}
