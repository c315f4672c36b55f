/** The ops of `../ops` as fused kernels of the native backend; arguments were checked by `../ops`. */

import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor3D } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { divisionWords } from "../division";
import type { DropoutWords } from "../dropout-mask";
import type { Activation, ConvBlockParameters, LstmParameters } from "../ops";
import { CONV_BLOCK } from "./conv-block";
import { DENSE } from "./dense";
import { DROPOUT, LOG_POWER } from "./elementwise";
import { HEADS_CROSS_ENTROPY } from "./heads-cross-entropy";
import { LSTM } from "./lstm";

export function logPower(x: Tensor): Tensor {
  return run(LOG_POWER, { x });
}

export function convBlock(x: Tensor3D, { weight, bias, scale, shift }: ConvBlockParameters): Tensor3D {
  // x first: its gradient is asked for first, see conv-block.ts.
  return run(CONV_BLOCK, { x, weight, bias, scale, shift });
}

export function lstm(x: Tensor3D, { weightIh, weightHh, biasIh, biasHh }: LstmParameters): Tensor3D {
  return run(LSTM, { x, weightIh, weightHh, biasIh, biasHh });
}

export function dense(x: Tensor2D, weight: Tensor2D, bias: Tensor1D, activation: Activation): Tensor2D {
  return run(DENSE, { x, weight, bias }, { tanh: activation === "tanh" });
}

export function dropout(x: Tensor, words: DropoutWords): Tensor {
  return run(DROPOUT, { x }, { ...words });
}

export function headsCrossEntropy(logits: readonly Tensor2D[], labels: Tensor2D, whole: number): Scalar {
  const inputs: Record<string, Tensor> = { labels };
  for (const [head, tensor] of logits.entries()) inputs[`logits${head}`] = tensor;
  const classes = logits.map((head) => head.shape[1]);
  return run(HEADS_CROSS_ENTROPY, inputs, { batch: labels.shape[0], whole, classes });
}

function run<Result extends Tensor>(
  kernel: string,
  inputs: Readonly<Record<string, Tensor>>,
  attributes: Readonly<Record<string, tf.Attribute>> = {},
): Result {
  const engine = tf.engine();
  // Inside the kernel the tape is off, so whether a backward may follow is decided here.
  const ambient = { keep: engine.isTapeOn(), division: [...divisionWords()] };
  return engine.runKernel(kernel, inputs, { ...attributes, ...ambient }) as Result;
}
