/** Gradient norm and Adam on TensorFlow: all on the device; the norm is read once, the step's scalars go up once. */

import type { Tensor } from "@tensorflow/tfjs-core";
import { Handles, tensorflowBackend, typeAttribute } from "./backend";

export { adamUpdate } from "../composed/update";

/**
 * Accumulated in float64 on the device. tfjs has no such type, so that the ops run on the binding's own handles, and the
 * sum comes back as its two halves of 32 bits.
 */
export function globalNorm(gradients: readonly Tensor[]): number {
  if (gradients.length === 0) return 0;
  return Handles.within((handles) => {
    const float64 = typeAttribute("T", "float64");
    const halves = gradients.map((gradient) => {
      const wide = handles.cast(handles.of(gradient), "float32", "float64");
      const half = handles.run("L2Loss", [float64], [wide]); // sum of squares / 2
      handles.free(wide);
      return half;
    });
    // Added up in the order of the gradients, on every device.
    const sum = halves.reduce((total, half) => handles.run("AddV2", [float64], [total, half]));
    const words = handles.run("Bitcast", [float64, typeAttribute("type", "int32")], [sum]);
    const [half] = new Float64Array(Int32Array.from(tensorflowBackend().binding.tensorDataSync(words.id)).buffer);
    return Math.sqrt(2 * half!);
  });
}
