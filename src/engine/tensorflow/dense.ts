/** The fully connected layer on TensorFlow: stock ops, but for the product of a run in mixed precision. */

import type { Tensor1D, Tensor2D } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import * as composed from "../composed";
import type { Activation } from "../ops";
import { isMixed } from "../precision";
import { multiplyMixed } from "./mixed";

/** @param x [B, I], weight [O, I], bias [O]; returns [B, O] */
export function dense(x: Tensor2D, weight: Tensor2D, bias: Tensor1D, activation: Activation): Tensor2D {
  if (!isMixed()) return composed.dense(x, weight, bias, activation);
  return tf.tidy(() => {
    const sum = tf.add<Tensor2D>(multiplyMixed(x, weight), bias);
    return activation === "tanh" ? tf.tanh(sum) : sum;
  });
}
