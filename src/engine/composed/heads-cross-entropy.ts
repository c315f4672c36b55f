/** Softmax cross-entropy over several heads from stock tfjs ops. */

import type { Scalar, Tensor2D } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";

/** @param logits one [B, classes] per head; labels int32 [B, heads]; returns the sum over heads and rows, divided by `whole` */
export function headsCrossEntropy(logits: readonly Tensor2D[], labels: Tensor2D, whole: number): Scalar {
  checkLabels(labels, logits);
  return tf.tidy(() => {
    const losses = logits.map((head, index) => {
      const [batch, classes] = head.shape;
      const classOfRow = tf.reshape(tf.slice(labels, [0, index], [batch, 1]), [batch]);
      const chosen = tf.mul(tf.logSoftmax(head), tf.oneHot(classOfRow, classes, 1, 0, "float32"));
      return tf.div<Scalar>(tf.neg(tf.sum(chosen)), whole);
    });
    return tf.addN(losses);
  });
}

/** @throws RangeError that names the first label that is no class of its head. */
export function checkLabels(labels: Tensor2D, logits: readonly Tensor2D[]): void {
  const values = labels.dataSync();
  for (let position = 0; position < values.length; position++) {
    const head = position % logits.length;
    const classes = logits[head]!.shape[1];
    const label = values[position]!;
    if (!(label >= 0 && label < classes)) {
      const row = Math.floor(position / logits.length);
      throw new RangeError(
        `Cannot run headsCrossEntropy: the label of row ${row}, head ${head} must be in [0, ${classes - 1}], got ${label}`,
      );
    }
  }
}
