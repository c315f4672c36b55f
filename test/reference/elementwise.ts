/** Logarithm, and multiplication by a fixed mask (dropout), element by element. */

import type { Reference } from "./op";

export const logPower: Reference = {
  forward: ({ x }) => x!.map(Math.log),
  backward: ({ x }, _shapes, dout) => ({ x: dout.map((d, i) => d / x![i]!) }),
};

/** @param mask factor of each element */
export function masked(mask: ArrayLike<number>): Reference {
  return {
    forward: ({ x }) => x!.map((value, i) => value * mask[i]!),
    backward: (_inputs, _shapes, dout) => ({ x: dout.map((d, i) => d * mask[i]!) }),
  };
}
