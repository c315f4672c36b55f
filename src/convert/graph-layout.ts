/** Parameters between PyTorch's layouts and those of a tfjs graph; only the convolutions' differ. */

import type { StateTensor } from "../checkpoint";

/** PyTorch's [Cout, Cin, K] to tfjs's [1, K, Cin, Cout]; other parameters stay. */
export function toGraphLayout(name: string, { shape, data }: StateTensor): StateTensor {
  if (!isConvolution(name)) return { shape, data };
  const [outputs, inputs, taps] = shape as [number, number, number];
  return { shape: [1, taps, inputs, outputs], data: reverseAxes(data, outputs, inputs, taps) };
}

/** The inverse of {@link toGraphLayout}. @throws {RangeError} when a convolution's weight has another number of axes. */
export function fromGraphLayout(name: string, { shape, data }: StateTensor): StateTensor {
  if (!isConvolution(name)) return { shape, data };
  const [one, taps, inputs, outputs] = shape;
  if (one !== 1 || outputs === undefined || shape.length !== 4) {
    throw new RangeError(`${name} has shape [${shape.join(", ")}], expected [1, K, Cin, Cout]`);
  }
  return { shape: [outputs, inputs!, taps!], data: reverseAxes(data, taps!, inputs!, outputs) };
}

function isConvolution(name: string): boolean {
  return /^conv\d+\.weight$/.test(name);
}

/** [I, J, K] -> [K, J, I]. */
function reverseAxes(data: Float32Array, first: number, second: number, third: number): Float32Array {
  const reversed = new Float32Array(data.length);
  for (let i = 0, from = 0; i < first; i++) {
    for (let j = 0; j < second; j++) {
      for (let k = 0; k < third; k++) reversed[(k * second + j) * first + i] = data[from++]!;
    }
  }
  return reversed;
}
