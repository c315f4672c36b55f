/** Dropout from stock tfjs ops. */

import type { Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { dropoutMask } from "../dropout-mask";
import type { DropoutKey } from "../ops";

export function dropout(x: Tensor, rate: number, key: DropoutKey): Tensor {
  return tf.tidy(() => tf.mul(x, tf.tensor(dropoutMask(x.size, rate, key), x.shape)));
}
