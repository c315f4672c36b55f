/** The engine `tensorflow`: TensorFlow's own kernels through @tensorflow/tfjs-node-gpu, an optional package. */

import * as tf from "@tensorflow/tfjs-core";
import type { Engine } from "./index";

interface NodeBackend {
  readonly isUsingGpuDevice?: boolean;
}

/**
 * Loads tfjs-node-gpu, which registers and selects its backend.
 *
 * @param options.needsGpu refuses a TensorFlow that sees no GPU
 * @throws Error that says what is missing.
 */
export async function useTensorflow({ needsGpu = false } = {}): Promise<Engine> {
  try {
    // Not imported on top: the package is optional, and loading it selects its backend.
    require("@tensorflow/tfjs-node-gpu");
  } catch (cause) {
    const reason = (cause instanceof Error ? cause.message : String(cause)).split("\n")[0];
    throw new Error(
      `Cannot use the tensorflow engine: @tensorflow/tfjs-node-gpu must be installed with its library, and it does not load (${reason}); use --engine native, or install it as environment.md says`,
      { cause },
    );
  }
  await tf.setBackend("tensorflow");
  const hasGpu = (tf.backend() as NodeBackend).isUsingGpuDevice === true;
  if (needsGpu && !hasGpu) throw new Error("Cannot use the tensorflow engine: it sees no GPU");
  const device = hasGpu ? "GPU" : "CPU";
  const reason = needsGpu ? "a GPU is visible" : "chosen by the engine setting";
  return { name: "tensorflow", reason, threads: 1, describe: () => `tensorflow (${device}): ${reason}` };
}
