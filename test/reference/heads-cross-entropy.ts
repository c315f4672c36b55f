/** Sum over heads of torch.nn.CrossEntropyLoss: logits0, logits1, ... [B, classes] and labels [B, heads] -> one number. */

import type { Arrays, Reference, Shapes } from "./op";

/** @param labels class of each row and head */
export function headsCrossEntropy(labels: ArrayLike<number>): Reference {
  const heads = (shapes: Shapes): string[] => Object.keys(shapes);
  return {
    forward(inputs, shapes) {
      let loss = 0;
      for (const [head, name] of heads(shapes).entries()) {
        const [batch, classes] = shapes[name] as [number, number];
        for (let b = 0; b < batch; b++) {
          const label = labels[b * heads(shapes).length + head]!;
          loss -= Math.log(softmax(inputs[name]!, b, classes)[label]!) / batch;
        }
      }
      return Float64Array.of(loss);
    },

    backward(inputs, shapes, dout): Arrays {
      const gradients: Record<string, Float64Array> = {};
      for (const [head, name] of heads(shapes).entries()) {
        const [batch, classes] = shapes[name] as [number, number];
        const gradient = new Float64Array(batch * classes);
        for (let b = 0; b < batch; b++) {
          const label = labels[b * heads(shapes).length + head]!;
          for (const [c, probability] of softmax(inputs[name]!, b, classes).entries()) {
            gradient[b * classes + c] = (dout[0]! * (probability - (c === label ? 1 : 0))) / batch;
          }
        }
        gradients[name] = gradient;
      }
      return gradients;
    },
  };
}

function softmax(logits: Float64Array, row: number, classes: number): Float64Array {
  const scores = logits.subarray(row * classes, (row + 1) * classes);
  const top = scores.reduce((a, b) => Math.max(a, b));
  const weights = scores.map((score) => Math.exp(score - top));
  const total = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / total);
}
