/** The losses a network can be trained on: sums over its heads of a mean over the batch. */

import type { Scalar, Tensor2D } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import type { Loss } from "../config";
import { headsCrossEntropy } from "../engine/ops";
import type { HeadOutput } from "./model";

/** What the heads must give for a loss. */
export const HEAD_OUTPUT: Readonly<Record<Loss, HeadOutput>> = {
  sparse_categorical_crossentropy: "classes",
  mean_squared_error: "value",
  gaussian_nll: "gaussian",
};

/** The smallest variance that `gaussian_nll` believes in, in squared units of the class range (torch's `eps`). */
export const MIN_VARIANCE = 1e-6;

/**
 * The loss of one batch.
 *
 * - `sparse_categorical_crossentropy`: -ln softmax(logits)[class], summed over heads.
 * - `mean_squared_error`: (value - target)^2, summed over heads.
 * - `gaussian_nll`: (ln variance + (value - target)^2 / variance) / 2 with variance = max(exp(second output), 1e-6),
 *   summed over heads (Nix & Weigend 1994, Proc. ICNN, 55; the constant ln(2 pi) / 2 is left out, as in PyTorch).
 *
 * @param outputs what `Model.forward` gives, one tensor per head
 * @param targets [B, heads]: int32 classes, or float32 parameters scaled to [0, 1] over their class range
 * @param whole rows of the batch that these are a part of: the result is what they add to its mean
 */
export function batchLoss(
  loss: Loss,
  outputs: readonly Tensor2D[],
  targets: Tensor2D,
  whole: number = targets.shape[0],
): Scalar {
  if (loss === "sparse_categorical_crossentropy") return headsCrossEntropy(outputs as Tensor2D[], targets, whole);
  return tf.tidy(() => {
    const values = tf.concat(
      outputs.map((output) => tf.slice(output, [0, 0], [-1, 1])),
      1,
    ); // [B, heads]
    const squares = tf.square(tf.sub(values, targets));
    if (loss === "mean_squared_error") return tf.div(tf.sum(squares), whole) as Scalar;
    const logVariances = tf.concat(
      outputs.map((output) => tf.slice(output, [0, 1], [-1, 1])),
      1,
    );
    const floored = tf.maximum(logVariances, Math.log(MIN_VARIANCE));
    const nll = tf.mul(tf.add(floored, tf.mul(squares, tf.exp(tf.neg(floored)))), 0.5);
    return tf.div(tf.sum(nll), whole) as Scalar;
  });
}
