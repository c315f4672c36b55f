/** Logarithm and fully connected layer from stock tfjs ops. */

import type { Tensor, Tensor1D, Tensor2D } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import type { Activation } from "../ops";

export function logPower(x: Tensor): Tensor {
  return tf.log(x);
}

/** @param x [B, I], weight [O, I], bias [O]; returns [B, O] */
export function dense(x: Tensor2D, weight: Tensor2D, bias: Tensor1D, activation: Activation): Tensor2D {
  return tf.tidy(() => {
    const sum = tf.add<Tensor2D>(tf.matMul(x, weight, false, true), bias);
    return activation === "tanh" ? tf.tanh(sum) : sum;
  });
}
