/** The LSTM from stock tfjs ops, one time step after the other (torch.nn.LSTM's equations). */

import type { Tensor2D, Tensor3D } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import type { LstmParameters } from "../ops";

/** @param x [B, T, I]; returns the hidden states [B, T, H] */
export function lstm(x: Tensor3D, parameters: LstmParameters): Tensor3D {
  return tf.tidy(() => {
    const [batch, steps, inputs] = x.shape;
    const units = parameters.weightHh.shape[1];
    const bias = tf.add(parameters.biasIh, parameters.biasHh);
    const flat = tf.reshape<tf.Rank.R2>(x, [batch * steps, inputs]);
    const projected = tf.add(tf.matMul(flat, parameters.weightIh, false, true), bias);
    const byStep = tf.reshape<tf.Rank.R3>(projected, [batch, steps, 4 * units]);
    // tfjs cannot differentiate an unstack into one piece.
    const perStep = steps === 1 ? [projected] : (tf.unstack(byStep, 1) as Tensor2D[]); // T of [B, 4H]
    let hidden = tf.zeros<tf.Rank.R2>([batch, units]);
    let cell = tf.zeros<tf.Rank.R2>([batch, units]);
    const states: Tensor2D[] = [];
    for (const input of perStep) {
      const gates = tf.add(input, tf.matMul(hidden, parameters.weightHh, false, true));
      const [inputGate, forgetGate, candidate, outputGate] = tf.split(gates, 4, 1) as [
        Tensor2D,
        Tensor2D,
        Tensor2D,
        Tensor2D,
      ];
      cell = tf.add(tf.mul(tf.sigmoid(forgetGate), cell), tf.mul(tf.sigmoid(inputGate), tf.tanh(candidate)));
      hidden = tf.mul(tf.sigmoid(outputGate), tf.tanh(cell));
      states.push(hidden);
    }
    return tf.stack(states, 1) as Tensor3D;
  });
}
