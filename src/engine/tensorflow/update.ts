/** Gradient norm and Adam on TensorFlow: all on the device; the norm is read once, the step's scalars go up once. */

import type { Tensor, TensorInfo } from "@tensorflow/tfjs-core";
import { type Attribute, tensorflowBackend, typeAttribute } from "./backend";

export { adamUpdate } from "../composed/update";

/**
 * Accumulated in float64 on the device. tfjs has no such type, so that the ops run on the binding's own handles, and the
 * sum comes back as its two halves of 32 bits.
 */
export function globalNorm(gradients: readonly Tensor[]): number {
  if (gradients.length === 0) return 0;
  const { binding } = tensorflowBackend();
  const ids: number[] = [];
  const run = (name: string, attributes: readonly Attribute[], inputs: readonly number[]): number => {
    const { id } = binding.executeOp(name, attributes, inputs, 1)[0]!;
    ids.push(id);
    return id;
  };
  try {
    const float64 = typeAttribute("T", "float64");
    const casts = [typeAttribute("SrcT", "float32"), typeAttribute("DstT", "float64")];
    const halves = gradients.map((gradient) => {
      const [input] = tensorflowBackend().getInputTensorIds([gradient as TensorInfo]);
      const wide = run("Cast", casts, [input!]);
      const half = run("L2Loss", [float64], [wide]); // sum of squares / 2
      binding.deleteTensor(wide);
      ids.splice(ids.indexOf(wide), 1);
      return half;
    });
    // Added up in the order of the gradients, on every device.
    const sum = halves.reduce((total, half) => run("AddV2", [float64], [total, half]));
    const words = run("Bitcast", [float64, typeAttribute("type", "int32")], [sum]);
    const [half] = new Float64Array(Int32Array.from(binding.tensorDataSync(words)).buffer);
    return Math.sqrt(2 * half!);
  } finally {
    for (const id of ids) binding.deleteTensor(id);
  }
}
