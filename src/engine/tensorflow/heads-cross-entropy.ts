/** Softmax cross-entropy over several heads on TensorFlow: one op a head gives loss and gradient. */

import type { GradFunc, Scalar, Tensor, Tensor1D, Tensor2D, TensorInfo } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { checkLabels } from "../composed/heads-cross-entropy";
import { BACKEND_NAME, tensorflowBackend, typeAttribute } from "./backend";

const CROSS_ENTROPY = "AsterolabTensorflowCrossEntropy";

/** @param logits one [B, classes] per head; labels int32 [B, heads]; returns the sum over heads and rows, divided by `whole` */
export function headsCrossEntropy(logits: readonly Tensor2D[], labels: Tensor2D, whole: number): Scalar {
  checkLabels(labels, logits);
  return tf.tidy(() => {
    const losses = logits.map((head, index) => {
      const batch = head.shape[0];
      const classes = tf.reshape<tf.Rank.R1>(tf.slice(labels, [0, index], [batch, 1]), [batch]);
      const [loss] = tf.engine().runKernel(CROSS_ENTROPY, { logits: head, labels: classes }) as [Tensor1D, Tensor2D];
      return tf.div<Scalar>(tf.sum(loss), whole);
    });
    return tf.addN(losses);
  });
}

export function defineHeadsCrossEntropy(): void {
  tf.registerKernel({
    kernelName: CROSS_ENTROPY,
    backendName: BACKEND_NAME,
    // Loss [B], and its gradient [B, classes].
    kernelFunc: ({ inputs }) =>
      tensorflowBackend().executeMultipleOutputs(
        "SparseSoftmaxCrossEntropyWithLogits",
        [typeAttribute("T", "float32"), typeAttribute("Tlabels", "int32")],
        [inputs.logits as TensorInfo, inputs.labels as TensorInfo],
        2,
      ),
  });
  const gradFunc: GradFunc = (douts, [gradient]) => {
    const [dloss] = douts as Tensor[];
    return { logits: () => tf.mul(gradient!, tf.expandDims(dloss!, 1)), labels: () => tf.zeros([dloss!.size]) };
  };
  tf.registerGradient({ kernelName: CROSS_ENTROPY, inputsToSave: [], outputsToSave: [false, true], gradFunc });
}
