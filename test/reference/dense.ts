/** torch.nn.Linear and an activation: x [B, I], weight [O, I], bias [O] -> [B, O]. */

import type { Reference } from "./op";

/** The layer with tanh behind it, or with nothing. */
export function dense(activation: "linear" | "tanh"): Reference {
  const reference: Reference = {
    forward(inputs, shapes) {
      const [batch, features] = shapes.x as [number, number];
      const outputs = shapes.weight![0]!;
      const out = new Float64Array(batch * outputs);
      for (let b = 0; b < batch; b++) {
        for (let o = 0; o < outputs; o++) {
          let sum = inputs.bias![o]!;
          for (let i = 0; i < features; i++) sum += inputs.x![b * features + i]! * inputs.weight![o * features + i]!;
          out[b * outputs + o] = activation === "tanh" ? Math.tanh(sum) : sum;
        }
      }
      return out;
    },

    backward(inputs, shapes, dout) {
      const [batch, features] = shapes.x as [number, number];
      const outputs = shapes.weight![0]!;
      const out = reference.forward(inputs, shapes);
      const dx = new Float64Array(batch * features);
      const dweight = new Float64Array(outputs * features);
      const dbias = new Float64Array(outputs);
      for (let b = 0; b < batch; b++) {
        for (let o = 0; o < outputs; o++) {
          const at = b * outputs + o;
          const d = activation === "tanh" ? dout[at]! * (1 - out[at]! ** 2) : dout[at]!;
          dbias[o]! += d;
          for (let i = 0; i < features; i++) {
            dx[b * features + i]! += d * inputs.weight![o * features + i]!;
            dweight[o * features + i]! += d * inputs.x![b * features + i]!;
          }
        }
      }
      return { x: dx, weight: dweight, bias: dbias };
    },
  };
  return reference;
}
