/** Shows the gradient of a tensor to somebody as soon as backward has made it. */

import type { Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { NativeBackend } from "./native/backend";

/**
 * `x` itself, for one use in a forward pass; `onGradient` hears its gradient during backward, before those of all ops
 * that came earlier. The gradient's memory is that of the tensor that differentiation returns in the end.
 */
export function tapGradient<T extends Tensor>(x: T, onGradient: (gradient: Tensor) => void): T {
  const tap = tf.customGrad((input) => ({
    value: tf.clone(input as Tensor),
    gradFunc: (gradient: Tensor) => {
      onGradient(gradient);
      // tfjs disposes what it handed in.
      return tf.clone(gradient);
    },
  }));
  return tap(x) as T;
}

/** What is still to be added to a gradient once it meets those of other ranks (./division.ts); null when nothing is. */
export function secondLeafOf(gradient: Tensor): Float32Array | null {
  const backend = tf.backend();
  return backend instanceof NativeBackend ? backend.entry(gradient.dataId).secondLeaf : null;
}

/**
 * The numbers of float32 tensors, one tensor after the other, in memory of nobody else: put together on the device and
 * copied from there once.
 */
export function copyTogether(tensors: readonly Tensor[]): Float32Array {
  const numbers = tf.tidy(() =>
    tf.concat1d(tensors.map((tensor) => tf.reshape(tensor, [-1]))).dataSync(),
  ) as Float32Array;
  // One tensor is not put together, and on the cpu engine its memory may be another's too.
  return tensors.length === 1 && tf.getBackend() !== "tensorflow" ? numbers.slice() : numbers;
}

/** The tensors of these shapes whose numbers follow each other in `numbers`: copied to the device once, cut apart there. */
export function tensorsFrom(numbers: Float32Array, shapes: readonly (readonly number[])[]): Tensor[] {
  return tf.tidy(() => {
    const whole = tf.tensor1d(numbers);
    const sizes = shapes.map((shape) => tf.util.sizeFromShape([...shape]));
    const parts = shapes.length === 1 ? [whole] : tf.split(whole, sizes);
    return parts.map((part, index) => tf.reshape(part, [...shapes[index]!]));
  });
}

/** A tensor's own float32 memory, to be changed in place; null on engines that keep it elsewhere. */
export function ownMemory(tensor: Tensor): Float32Array | null {
  const backend = tf.backend();
  return backend instanceof NativeBackend ? backend.floats(tensor) : null;
}
