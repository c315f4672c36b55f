/**
 * The differentiable ops the network is made of. Each runs on the current tfjs backend: as one fused kernel on `native`,
 * on TensorFlow's own larger ops on `tensorflow`, composed of stock tfjs ops on any other. Parameters keep PyTorch's layouts; activations have channels last.
 *
 * B batch, L length, C channels, K taps, T time steps, I inputs, H hidden units, O outputs.
 */

import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor3D } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import * as composed from "./composed";
import { dropoutWords } from "./dropout-mask";
import * as native from "./native/ops";
import { matchShapes, type ShapeRule } from "./shapes";
import * as tensorflow from "./tensorflow/ops";

/** A convolution block's parameters. */
export interface ConvBlockParameters {
  readonly weight: Tensor3D; // [Cout, Cin, K]
  readonly bias: Tensor1D; // [Cout]
  readonly scale: Tensor1D; // [Cout]
  readonly shift: Tensor1D; // [Cout]
}

/** An LSTM layer's parameters; the 4H rows are the input, forget, cell and output gates. */
export interface LstmParameters {
  readonly weightIh: Tensor2D; // [4H, I]
  readonly weightHh: Tensor2D; // [4H, H]
  readonly biasIh: Tensor1D; // [4H]
  readonly biasHh: Tensor1D; // [4H]
}

export type Activation = "linear" | "tanh";

/** Names one dropout mask: the run's seed, the training step and the layer within the network. */
export interface DropoutKey {
  readonly seed: number;
  readonly step: number;
  readonly layer: number;
  /** Where the rows of `x` start in the batch that the mask is for, when they are a part of it; default 0. */
  readonly firstRow?: number;
}

/** Natural logarithm of each element; the network's first op, on positive powers. */
export function logPower<T extends Tensor>(x: T): T {
  if (x.dtype !== "float32") throw new TypeError(`Cannot run logPower: x must be float32, got ${x.dtype}`);
  return forms().logPower(x) as T;
}

/**
 * conv1d (zero padding, length kept) -> ReLU -> GroupNorm (one channel a group, eps 1e-5) -> MaxPool1d(3, 1, 1) ->
 * AvgPool1d(3, 3, 1, divisor 3), as PyTorch computes each of them.
 *
 * @param x [B, L, Cin]
 * @returns [B, floor((L - 1) / 3) + 1, Cout]
 * @throws RangeError when the shapes do not fit together or the kernel has an even number of taps.
 */
export function convBlock(x: Tensor3D, parameters: ConvBlockParameters): Tensor3D {
  const { weight, bias, scale, shift } = parameters;
  const { K: taps } = matchShapes("convBlock", {
    x: [x, ["B", "L", "Cin"]],
    weight: [weight, ["Cout", "Cin", "K"]],
    bias: [bias, ["Cout"]],
    scale: [scale, ["Cout"]],
    shift: [shift, ["Cout"]],
  });
  if (taps! % 2 === 0)
    throw new RangeError(`Cannot run convBlock: the kernel must have an odd number of taps, got ${taps}`);
  return forms().convBlock(x, parameters);
}

/**
 * A one-layer LSTM over whole sequences, from a zero state, all time steps kept (torch.nn.LSTM, batch_first).
 *
 * @param x [B, T, I]
 * @returns hidden states [B, T, H]
 * @throws RangeError when the shapes do not fit together.
 */
export function lstm(x: Tensor3D, parameters: LstmParameters): Tensor3D {
  const { weightIh, weightHh, biasIh, biasHh } = parameters;
  const { G: gates, H: units } = matchShapes("lstm", {
    x: [x, ["B", "T", "I"]],
    weightIh: [weightIh, ["G", "I"]],
    weightHh: [weightHh, ["G", "H"]],
    biasIh: [biasIh, ["G"]],
    biasHh: [biasHh, ["G"]],
  });
  if (gates !== 4 * units!) {
    throw new RangeError(`Cannot run lstm: weightHh has shape [${gates}, ${units}], expected [4 H, H]`);
  }
  return forms().lstm(x, parameters);
}

/**
 * x · weightᵀ + bias, then the activation (torch.nn.Linear).
 *
 * @param x [B, I]
 * @param weight [O, I]
 * @param bias [O]
 * @returns [B, O]
 * @throws RangeError when the shapes do not fit together.
 */
export function dense(x: Tensor2D, weight: Tensor2D, bias: Tensor1D, activation: Activation = "linear"): Tensor2D {
  matchShapes("dense", { x: [x, ["B", "I"]], weight: [weight, ["O", "I"]], bias: [bias, ["O"]] });
  return forms().dense(x, weight, bias, activation);
}

/**
 * Sets each element to zero with probability `rate` and divides the others by 1 - rate. The mask is a function of the
 * key and the element's index only: equal on every engine, for every number of threads, and however a batch is divided.
 *
 * @throws RangeError when `rate` is not in [0, 1).
 */
export function dropout<T extends Tensor>(x: T, rate: number, key: DropoutKey): T {
  if (!(rate >= 0 && rate < 1)) throw new RangeError(`Cannot run dropout: the rate must be in [0, 1), got ${rate}`);
  if (x.dtype !== "float32") throw new TypeError(`Cannot run dropout: x must be float32, got ${x.dtype}`);
  if (rate === 0) return tf.clone(x) as T;
  const firstIndex = (key.firstRow ?? 0) * (x.size / (x.shape[0] ?? 1));
  return forms().dropout(x, dropoutWords(rate, key, firstIndex)) as T;
}

/**
 * Sum over heads of the batch's mean cross-entropy (torch.nn.CrossEntropyLoss for each head); for a part of a batch of
 * `whole` rows, what it adds to the whole's mean.
 *
 * @param logits one [B, classes] per head
 * @param labels int32 [B, heads], class of each row and head
 * @throws RangeError when shapes do not fit together or a label is not a class of its head.
 */
export function headsCrossEntropy(logits: readonly Tensor2D[], labels: Tensor2D, whole?: number): Scalar {
  if (logits.length === 0)
    throw new RangeError("Cannot run headsCrossEntropy: there must be at least one head, got none");
  if (labels.dtype !== "int32") {
    throw new TypeError(`Cannot run headsCrossEntropy: labels must be int32, got ${labels.dtype}`);
  }
  const rules: Record<string, ShapeRule> = {};
  for (const [head, tensor] of logits.entries()) rules[`logits[${head}]`] = [tensor, ["B", `classes of head ${head}`]];
  const { B: batch } = matchShapes("headsCrossEntropy", rules);
  if (labels.rank !== 2 || labels.shape[0] !== batch || labels.shape[1] !== logits.length) {
    throw new RangeError(
      `Cannot run headsCrossEntropy: labels has shape [${labels.shape.join(", ")}], expected [B = ${batch}, heads = ${logits.length}]`,
    );
  }
  return forms().headsCrossEntropy(logits, labels, whole ?? batch!);
}

function forms(): typeof composed {
  const backend = tf.getBackend();
  return backend === "native" ? native : backend === "tensorflow" ? tensorflow : composed;
}
