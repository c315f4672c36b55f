/** torch.nn.LSTM (one layer, batch first, zero state): x [B, T, I], weightIh [4H, I], weightHh [4H, H] -> [B, T, H]. */

import type { Arrays, Reference, Shapes } from "./op";

/** Per step and unit: the four gates and the cell, all [B, T, H]; gates in the order i, f, g, o. */
interface Trace {
  readonly gates: readonly Float64Array[];
  readonly cell: Float64Array;
  readonly hidden: Float64Array;
}

export const lstm: Reference = {
  forward: (inputs, shapes) => trace(inputs, shapes).hidden,

  backward(inputs, shapes, dout) {
    const { batch, steps, features, units } = sizes(shapes);
    const { gates, cell, hidden } = trace(inputs, shapes);
    const x = inputs.x!;
    const weightIh = inputs.weightIh!;
    const weightHh = inputs.weightHh!;
    const dx = new Float64Array(x.length);
    const dweightIh = new Float64Array(weightIh.length);
    const dweightHh = new Float64Array(weightHh.length);
    const dbias = new Float64Array(4 * units);
    for (let b = 0; b < batch; b++) {
      let dhiddenLater = new Float64Array(units);
      let dcellLater = new Float64Array(units);
      for (let t = steps - 1; t >= 0; t--) {
        const dgates = new Float64Array(4 * units); // before the activations
        const dcell = new Float64Array(units);
        for (let u = 0; u < units; u++) {
          const at = (b * steps + t) * units + u;
          const [i, f, g, o] = gates.map((gate) => gate[at]!) as [number, number, number, number];
          const squashed = Math.tanh(cell[at]!);
          const before = t > 0 ? cell[at - units]! : 0;
          const dhidden = dout[at]! + dhiddenLater[u]!;
          const d = dcellLater[u]! + dhidden * o * (1 - squashed ** 2);
          dgates[u] = d * g * i * (1 - i);
          dgates[units + u] = d * before * f * (1 - f);
          dgates[2 * units + u] = d * i * (1 - g ** 2);
          dgates[3 * units + u] = dhidden * squashed * o * (1 - o);
          dcell[u] = d * f;
        }
        const dhidden = new Float64Array(units);
        for (let row = 0; row < 4 * units; row++) {
          const d = dgates[row]!;
          dbias[row]! += d;
          for (let c = 0; c < features; c++) {
            dweightIh[row * features + c]! += d * x[(b * steps + t) * features + c]!;
            dx[(b * steps + t) * features + c]! += d * weightIh[row * features + c]!;
          }
          for (let u = 0; u < units; u++) {
            if (t > 0) dweightHh[row * units + u]! += d * hidden[(b * steps + t - 1) * units + u]!;
            dhidden[u]! += d * weightHh[row * units + u]!;
          }
        }
        dhiddenLater = dhidden;
        dcellLater = dcell;
      }
    }
    return { x: dx, weightIh: dweightIh, weightHh: dweightHh, biasIh: dbias, biasHh: dbias };
  },
};

function trace(inputs: Arrays, shapes: Shapes): Trace {
  const { batch, steps, features, units } = sizes(shapes);
  const gates = [0, 1, 2, 3].map(() => new Float64Array(batch * steps * units));
  const cell = new Float64Array(batch * steps * units);
  const hidden = new Float64Array(batch * steps * units);
  for (let b = 0; b < batch; b++) {
    for (let t = 0; t < steps; t++) {
      for (let u = 0; u < units; u++) {
        const at = (b * steps + t) * units + u;
        for (const [gate, values] of gates.entries()) {
          const row = gate * units + u;
          let sum = inputs.biasIh![row]! + inputs.biasHh![row]!;
          for (let c = 0; c < features; c++) {
            sum += inputs.x![(b * steps + t) * features + c]! * inputs.weightIh![row * features + c]!;
          }
          for (let v = 0; t > 0 && v < units; v++) {
            sum += hidden[(b * steps + t - 1) * units + v]! * inputs.weightHh![row * units + v]!;
          }
          values[at] = gate === 2 ? Math.tanh(sum) : 1 / (1 + Math.exp(-sum));
        }
        const [i, f, g, o] = gates.map((gate) => gate[at]!) as [number, number, number, number];
        cell[at] = f * (t > 0 ? cell[at - units]! : 0) + i * g;
        hidden[at] = o * Math.tanh(cell[at]!);
      }
    }
  }
  return { gates, cell, hidden };
}

function sizes(shapes: Shapes) {
  const [batch, steps, features] = shapes.x as [number, number, number];
  return { batch, steps, features, units: shapes.weightHh![1]! };
}
