/** The engine `tensorflow`: TensorFlow's own kernels through @tensorflow/tfjs-node-gpu, an optional package. */

import * as tf from "@tensorflow/tfjs-core";
import type { Engine } from "../index";
import type { Precision } from "../precision";
import { tensorflowBackend } from "./backend";
import { expectsGpu, gpuCount } from "./device";
import { loadTensorflow } from "./load";
import { defineTensorflowKernels } from "./ops";

/**
 * Loads tfjs-node-gpu and makes its backend the current one.
 *
 * @param options.needsGpu refuses, before anything is loaded where possible, a TensorFlow that sees no GPU
 * @throws Error that says what is missing; the backend in use before stays.
 */
export async function useTensorflow(
  options: { readonly threads?: number; readonly precision?: Precision; readonly needsGpu?: boolean } = {},
): Promise<Engine> {
  const { threads = 1, precision = "float32", needsGpu = false } = options;
  if (needsGpu && gpuCount() === 0) throw new Error("Cannot use the tensorflow engine: this machine has no GPU");
  const before = tf.getBackend();
  loadTensorflow(threads);
  await tf.setBackend("tensorflow");
  const { isUsingGpuDevice: hasGpu, binding } = tensorflowBackend();
  const version = binding.TF_Version;
  if (needsGpu && !hasGpu) {
    if (before) await tf.setBackend(before);
    throw new Error(`Cannot use the tensorflow engine: TensorFlow ${version} sees no GPU (asterolab doctor says why)`);
  }
  defineTensorflowKernels();
  const reason = needsGpu ? "a GPU is visible" : "chosen by the engine setting";
  const device = hasGpu ? `GPU ${process.env.CUDA_VISIBLE_DEVICES ?? ""}`.trim() : `CPU, ${threads} threads`;
  const isMixed = precision === "mixed";
  const isAstray = !hasGpu && expectsGpu();
  return {
    name: "tensorflow",
    reason,
    threads,
    precision,
    usesGpu: hasGpu,
    ...(isAstray && {
      warning: `TensorFlow ${version} sees no GPU of this machine and computes on the CPU; run \`npx asterolab doctor\``,
    }),
    describe: () => `tensorflow (TensorFlow ${version}, ${device}${isMixed ? ", mixed precision" : ""}): ${reason}`,
  };
}
