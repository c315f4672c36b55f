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

/**
 * The two key words of a mask, its threshold and the factor 1 / (1 - rate).
 *
 * @param firstIndex the index in the whole mask of the first element wanted
 */
export function dropoutWords(rate: number, key: DropoutKey, firstIndex = 0): DropoutWords {
  const { seed, step, layer } = key;
  return {
    // An index enters the hash as index * 0x9e3779b9 + first.
    first: (hash32(seed, step, layer, 0) + Math.imul(firstIndex, 0x9e3779b9)) >>> 0,
    second: hash32(seed, step, layer, 1),
    threshold: Math.floor(rate * 2 ** 32),
    factor: Math.fround(1 / (1 - rate)),
  };
}

/** The mask of `size` elements: 0 where dropped, 1 / (1 - rate) where kept. */
export function dropoutMask(size: number, { first, second, threshold, factor }: DropoutWords): Float32Array {
  const mask = new Float32Array(size);
  for (let index = 0; index < size; index++) {
    const word = mix32(mix32(Math.imul(index, 0x9e3779b9) + first) ^ second);
    mask[index] = word < threshold ? 0 : factor;
  }
  return mask;
}
