/** Registers the tfjs backend `native` and its kernels. */

import * as tf from "@tensorflow/tfjs-core";
import { loadAddon } from "./addon";
import { NativeBackend } from "./backend";
import { defineConvBlock } from "./conv-block";
import { defineDense } from "./dense";
import { defineElementwise } from "./elementwise";
import { defineHeadsCrossEntropy } from "./heads-cross-entropy";
import { BACKEND_NAME } from "./kernel";
import { defineLstm } from "./lstm";
import { adoptStockKernels } from "./stock-kernels";

let isRegistered = false;

/**
 * Makes the backend known to tfjs; later calls do nothing. tfjs's own CPU kernels must be registered before.
 *
 * @throws Error that says what to do when the addon is not built or does not load.
 */
export function registerNativeBackend(): void {
  if (isRegistered) return;
  loadAddon();
  isRegistered = true;
  // Priority 0: never chosen by tfjs of its own accord.
  tf.registerBackend(BACKEND_NAME, () => new NativeBackend(), 0);
  adoptStockKernels();
  defineElementwise();
  defineConvBlock();
  defineLstm();
  defineDense();
  defineHeadsCrossEntropy();
}

/** Uses this many threads for the ops of the addon, or as many as the system starts: returns how many. */
export function setNativeThreads(count: number): number {
  loadAddon().setThreads({ count });
  return loadAddon().threads();
}
