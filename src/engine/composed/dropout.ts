/** Dropout from stock tfjs ops. */

import type { Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { type DropoutWords, dropoutMask } from "../dropout-mask";

export function dropout(x: Tensor, words: DropoutWords): Tensor {
  return tf.tidy(() => tf.mul(x, tf.tensor(dropoutMask(x.size, words), x.shape)));
}
