/** The differentiable ops on every engine, in sizes that meet every edge of the vector code. */

import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor3D } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { dropoutMask, dropoutWords } from "../../src/engine/dropout-mask";
import * as ops from "../../src/engine/ops";
import { Random } from "../../src/random";
import { convBlock } from "../reference/conv-block";
import { dense } from "../reference/dense";
import { logPower, masked } from "../reference/elementwise";
import { headsCrossEntropy } from "../reference/heads-cross-entropy";
import { lstm } from "../reference/lstm";
import { type Reference, type Shapes, sizeOf } from "../reference/op";

type Tensors = Record<string, Tensor>;

export interface Case {
  readonly name: string;
  readonly shapes: Shapes;
  readonly run: (inputs: Tensors) => Tensor;
  readonly reference: Reference;
  /** Standard deviation of each input's values, 1 when absent. */
  readonly spread?: Readonly<Record<string, number>>;
  /** Inputs are made positive. */
  readonly positive?: boolean;
  /** Error allowed, in units of the largest value of an array, or of `floor` when that is larger. */
  readonly tolerance: number;
  readonly floor?: number;
  /** Small enough for tfjs's JavaScript kernels and for finite differences. */
  readonly size: "small" | "medium" | "large";
}

const CONV_SIZES: readonly (readonly [
  B: number,
  L: number,
  Cin: number,
  Cout: number,
  K: number,
  size: Case["size"],
])[] = [
  [1, 1, 1, 1, 1, "small"],
  [2, 2, 1, 3, 3, "small"],
  [1, 7, 2, 3, 5, "small"],
  [1, 51, 1, 5, 51, "medium"],
  [3, 52, 5, 17, 51, "medium"],
  [33, 51, 1, 1, 5, "medium"],
  [3, 53, 17, 5, 3, "medium"],
  [1, 1000, 1, 5, 51, "medium"],
  [3, 1000, 5, 17, 51, "large"],
  [33, 52, 17, 17, 51, "large"],
  [1, 1001, 17, 33, 51, "large"],
  [2, 441, 32, 64, 51, "large"],
  [5, 147, 64, 40, 51, "large"],
];

const LSTM_SIZES: readonly (readonly [B: number, T: number, I: number, H: number, size: Case["size"]])[] = [
  [1, 1, 1, 1, "small"],
  [2, 3, 2, 3, "small"],
  [3, 7, 5, 17, "medium"],
  [33, 3, 17, 5, "medium"],
  [1, 52, 3, 16, "medium"],
  [3, 51, 5, 33, "large"],
  [33, 6, 33, 65, "large"],
  [70, 4, 16, 64, "large"],
];

const DENSE_SIZES: readonly (readonly [B: number, I: number, O: number, size: Case["size"]])[] = [
  [1, 1, 1, "small"],
  [3, 5, 4, "small"],
  [3, 1000, 17, "medium"],
  [33, 51, 52, "medium"],
  [1, 4097, 33, "large"],
  [33, 1000, 65, "large"],
];

const HEADS: readonly (readonly [B: number, classes: readonly number[], size: Case["size"]])[] = [
  [1, [2], "small"],
  [3, [5, 3, 4], "small"],
  [33, [180, 94, 37, 28, 11, 4, 18], "medium"],
];

const LENGTHS: readonly (readonly [number, Case["size"]])[] = [
  [1, "small"],
  [17, "small"],
  [1000, "medium"],
  [50003, "large"],
];

export const CASES: readonly Case[] = [
  ...CONV_SIZES.map(convBlockCase),
  ...LSTM_SIZES.map(lstmCase),
  ...DENSE_SIZES.flatMap((sizes) => [denseCase(sizes, "linear"), denseCase(sizes, "tanh")]),
  ...HEADS.map(headsCase),
  ...LENGTHS.map(logCase),
  ...LENGTHS.map(dropoutCase),
];

function convBlockCase([B, L, Cin, Cout, K, size]: (typeof CONV_SIZES)[number]): Case {
  return {
    name: `convBlock B ${B}, L ${L}, ${Cin} -> ${Cout} channels, K ${K}`,
    shapes: { x: [B, L, Cin], weight: [Cout, Cin, K], bias: [Cout], scale: [Cout], shift: [Cout] },
    run: ({ x, weight, bias, scale, shift }) =>
      ops.convBlock(x as Tensor3D, {
        weight: weight as Tensor3D,
        bias: bias as Tensor1D,
        scale: scale as Tensor1D,
        shift: shift as Tensor1D,
      }),
    reference: convBlock,
    spread: { weight: 1 / Math.sqrt(Cin * K), bias: 0.2 },
    tolerance: 1e-5,
    // The variance of one or two points is next to nothing; its gradient is what is left of a cancellation.
    ...(L < 3 && { floor: 0.1 }),
    size,
  };
}

function lstmCase([B, T, I, H, size]: (typeof LSTM_SIZES)[number]): Case {
  return {
    name: `lstm B ${B}, T ${T}, ${I} inputs, ${H} units`,
    shapes: { x: [B, T, I], weightIh: [4 * H, I], weightHh: [4 * H, H], biasIh: [4 * H], biasHh: [4 * H] },
    run: ({ x, weightIh, weightHh, biasIh, biasHh }) =>
      ops.lstm(x as Tensor3D, {
        weightIh: weightIh as Tensor2D,
        weightHh: weightHh as Tensor2D,
        biasIh: biasIh as Tensor1D,
        biasHh: biasHh as Tensor1D,
      }),
    reference: lstm,
    spread: { weightIh: 1 / Math.sqrt(I), weightHh: 1 / Math.sqrt(H) },
    tolerance: 5e-6,
    size,
  };
}

function denseCase([B, I, O, size]: (typeof DENSE_SIZES)[number], activation: ops.Activation): Case {
  return {
    name: `dense ${activation} B ${B}, ${I} inputs, ${O} outputs`,
    shapes: { x: [B, I], weight: [O, I], bias: [O] },
    run: ({ x, weight, bias }) => ops.dense(x as Tensor2D, weight as Tensor2D, bias as Tensor1D, activation),
    reference: dense(activation),
    spread: { weight: 1 / Math.sqrt(I) },
    tolerance: 5e-6,
    size,
  };
}

function headsCase([B, classes, size]: (typeof HEADS)[number]): Case {
  const random = new Random(7, B);
  const labels = Int32Array.from({ length: B * classes.length }, (_, i) =>
    random.integer(classes[i % classes.length]!),
  );
  return {
    name: `headsCrossEntropy B ${B}, ${classes.join(" + ")} classes`,
    shapes: Object.fromEntries(classes.map((count, head) => [`logits${head}`, [B, count]])),
    run: (logits) =>
      ops.headsCrossEntropy(
        classes.map((_, head) => logits[`logits${head}`] as Tensor2D),
        tf.tensor2d(labels, [B, classes.length], "int32"),
      ),
    reference: headsCrossEntropy(labels),
    spread: Object.fromEntries(classes.map((_, head) => [`logits${head}`, 4])),
    tolerance: 2e-6,
    size,
  };
}

function logCase([length, size]: (typeof LENGTHS)[number]): Case {
  return {
    name: `logPower of ${length} values`,
    shapes: { x: [length] },
    run: ({ x }) => ops.logPower(x!),
    reference: logPower,
    positive: true,
    tolerance: 1e-6,
    size,
  };
}

function dropoutCase([length, size]: (typeof LENGTHS)[number]): Case {
  const key = { seed: 20, step: 3, layer: 1 };
  return {
    name: `dropout of ${length} values`,
    shapes: { x: [length] },
    run: ({ x }) => ops.dropout(x!, 0.3, key),
    reference: masked(dropoutMask(length, dropoutWords(0.3, key))),
    tolerance: 1e-6,
    size,
  };
}

/** Seeded values of the case's inputs, float32 numbers held as float64. */
export function inputsOf({ name, shapes, spread, positive }: Case): Record<string, Float64Array> {
  return Object.fromEntries(
    Object.entries(shapes).map(([input, shape], index) => {
      const random = new Random(1, name.length, index, sizeOf(shape));
      const value = (): number => Math.fround(random.normal() * (spread?.[input] ?? 1));
      return [
        input,
        Float64Array.from({ length: sizeOf(shape) }, () => (positive ? Math.abs(value()) + 0.01 : value())),
      ];
    }),
  );
}

/** Weights of a scalar loss sum(output * weights), so that every output element matters differently. */
export function lossWeights(length: number): Float64Array {
  const random = new Random(2, length);
  return Float64Array.from({ length }, () => Math.fround(random.normal()));
}

/** Output and gradients of the case on the current engine. */
export function evaluate(
  { run, shapes }: Case,
  inputs: Readonly<Record<string, Float64Array>>,
  weights: Float64Array,
): { output: Float32Array; gradients: Record<string, Float32Array> } {
  const names = Object.keys(shapes);
  return tf.tidy(() => {
    const tensors = names.map((name) => tf.tensor(Float32Array.from(inputs[name]!), [...shapes[name]!]));
    const named = (list: readonly Tensor[]): Tensors => Object.fromEntries(names.map((name, i) => [name, list[i]!]));
    const output = run(named(tensors));
    const factors = tf.tensor(Float32Array.from(weights), output.shape);
    const gradients = tf.grads((...list: Tensor[]) => tf.sum(tf.mul(run(named(list)), factors)) as Scalar)(tensors);
    return {
      output: (output.dataSync() as Float32Array).slice(),
      gradients: Object.fromEntries(names.map((name, i) => [name, (gradients[i]!.dataSync() as Float32Array).slice()])),
    };
  });
}
