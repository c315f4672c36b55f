/** Valid arguments of every op of the addon, for tests that then bend one of them. */

import { Random } from "../../src/random";

/** Arguments by name: sizes and scalars as they are, arrays by what the op does with them. */
export interface AddonCase {
  readonly op: string;
  readonly scalars: Readonly<Record<string, unknown>>;
  readonly inputs: Readonly<Record<string, Float32Array | Int32Array | readonly Float32Array[]>>;
  /** Lengths of the arrays the op writes completely. */
  readonly outputs: Readonly<Record<string, number | readonly number[]>>;
}

const CONV = { batch: 3, length: 53, inChannels: 5, outChannels: 17, kernel: 51 };
const LSTM = { batch: 3, steps: 7, inputs: 5, units: 17 };
const DENSE = { batch: 3, inputs: 67, outputs: 17, tanh: true };
const CONV_WEIGHTS = { weight: values(17 * 5 * 51), bias: values(17), scale: values(17), shift: values(17) };
const LSTM_WEIGHTS = {
  weightIh: values(68 * 5),
  weightHh: values(68 * 17),
  biasIh: values(68),
  biasHh: values(68),
};
const ADAM = { step: 2, learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, gradientScale: 0.5 };

/** @param convSaved what convBlockSavedSize gives for CONV */
export function addonCases(convSaved: number): readonly AddonCase[] {
  return [
    {
      op: "convBlockForward",
      scalars: CONV,
      inputs: { x: values(3 * 53 * 5), ...CONV_WEIGHTS },
      outputs: { out: 3 * 18 * 17, saved: convSaved },
    },
    {
      op: "matrixProduct",
      scalars: { m: 3, n: 17, k: 67 },
      inputs: { a: values(3 * 67), b: values(67 * 17) },
      outputs: { out: 3 * 17 },
    },
    {
      op: "lstmForward",
      scalars: LSTM,
      inputs: { x: values(3 * 7 * 5), ...LSTM_WEIGHTS },
      outputs: { out: 3 * 7 * 17, saved: 3 * 7 * 17 * 5 },
    },
    {
      op: "denseForward",
      scalars: DENSE,
      inputs: { x: values(3 * 67), weight: values(17 * 67), bias: values(17) },
      outputs: { out: 3 * 17 },
    },
    {
      op: "denseBackward",
      scalars: DENSE,
      inputs: { dout: values(3 * 17), out: values(3 * 17), x: values(3 * 67), weight: values(17 * 67) },
      outputs: { dx: 3 * 67, dweight: 17 * 67, dbias: 17 },
    },
    { op: "logForward", scalars: { size: 1001 }, inputs: { x: values(1001).map(Math.abs) }, outputs: { out: 1001 } },
    {
      op: "logBackward",
      scalars: { size: 1001 },
      inputs: { x: values(1001), dout: values(1001) },
      outputs: { dx: 1001 },
    },
    {
      op: "dropout",
      scalars: { size: 1001, first: 1, second: 2, threshold: 2 ** 30, factor: 1.25 },
      inputs: { x: values(1001) },
      outputs: { out: 1001 },
    },
    {
      op: "add",
      scalars: { size: 99, period: 33 },
      inputs: { a: values(99), b: values(33) },
      outputs: { out: 99 },
    },
    { op: "scale", scalars: { size: 1001, factor: 2 }, inputs: { a: values(1001) }, outputs: { out: 1001 } },
    {
      op: "applyFunction",
      scalars: { size: 33, name: "tanh" },
      inputs: { x: values(33) },
      outputs: { out: 33 },
    },
    {
      op: "headsCrossEntropy",
      scalars: { batch: 3, backward: true },
      inputs: { logits: [values(3 * 17), values(3 * 2)], labels: Int32Array.of(16, 1, 0, 0, 5, 1) },
      outputs: { gradients: [51, 6] },
    },
    { op: "sumOfSquares", scalars: {}, inputs: { arrays: [values(17), values(1001)] }, outputs: {} },
    {
      op: "adamUpdate",
      scalars: ADAM,
      inputs: {
        parameters: [values(17), values(1001)],
        gradients: [values(17), values(1001)],
        firstMoments: [values(17), values(1001)],
        secondMoments: [values(17).map(Math.abs), values(1001).map(Math.abs)],
      },
      outputs: {},
    },
  ];
}

/** The backward ops, whose `saved` must come from a forward call. */
export function backwardCase(
  op: "convBlockBackward" | "lstmBackward",
  saved: Float32Array,
  out: Float32Array,
): AddonCase {
  if (op === "convBlockBackward") {
    return {
      op,
      scalars: CONV,
      inputs: { dout: values(3 * 18 * 17), x: values(3 * 53 * 5), saved, ...CONV_WEIGHTS },
      outputs: { dx: 3 * 53 * 5, dweight: 17 * 5 * 51, dbias: 17, dscale: 17, dshift: 17 },
    };
  }
  return {
    op,
    scalars: LSTM,
    inputs: { dout: values(3 * 7 * 17), out, x: values(3 * 7 * 5), saved, ...LSTM_WEIGHTS },
    outputs: { dx: 3 * 7 * 5, dweightIh: 68 * 5, dweightHh: 68 * 17, dbiasIh: 68, dbiasHh: 68 },
  };
}

/** The sizes of the convolution block the cases use. */
export const CONV_SIZES = CONV;

/** Seeded normal values; equal lengths give equal values. */
export function values(length: number): Float32Array {
  const random = new Random(5, length);
  return Float32Array.from({ length }, () => random.normal());
}
