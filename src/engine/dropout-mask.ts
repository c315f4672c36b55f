/**
 * Which elements a dropout keeps: a counter-based hash of (seed, step, layer, index), so that a mask can be made in any
 * order, twice (forward and backward), and alike in TypeScript and C++ (native/ops/elementwise.h).
 */

import { hash32, mix32 } from "../random";
import type { DropoutKey } from "./ops";

/** What an engine needs to make the mask; `threshold` is the rate in units of 2⁻³². */
export interface DropoutWords {
  readonly first: number;
  readonly second: number;
  readonly threshold: number;
  readonly factor: number;
}

/** The two key words of a mask, its threshold and the factor 1 / (1 - rate). */
export function dropoutWords(rate: number, key: DropoutKey): DropoutWords {
  const { seed, step, layer } = key;
  return {
    first: hash32(seed, step, layer, 0),
    second: hash32(seed, step, layer, 1),
    threshold: Math.floor(rate * 2 ** 32),
    factor: Math.fround(1 / (1 - rate)),
  };
}

/** The mask of `size` elements: 0 where dropped, 1 / (1 - rate) where kept. */
export function dropoutMask(size: number, rate: number, key: DropoutKey): Float32Array {
  const { first, second, threshold, factor } = dropoutWords(rate, key);
  const mask = new Float32Array(size);
  for (let index = 0; index < size; index++) {
    const word = mix32(mix32(Math.imul(index, 0x9e3779b9) + first) ^ second);
    mask[index] = word < threshold ? 0 : factor;
  }
  return mask;
}
