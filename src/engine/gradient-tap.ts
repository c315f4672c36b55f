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

/** A tensor's own float32 memory, to be changed in place; null on engines that keep it elsewhere. */
export function ownMemory(tensor: Tensor): Float32Array | null {
  const backend = tf.backend();
  return backend instanceof NativeBackend ? backend.floats(tensor) : null;
}
