/**
 * How the gradients of a batch are summed, so that a run is the same, bit for bit, on one, two, three and four ranks. The
 * batch is cut wherever one of these numbers of ranks would cut it; every slice is summed by itself, and the six sums
 * s0 .. s5 always as (s0 + (s1 + s2)) + ((s3 + s4) + s5). Of this tree each of two or four ranks holds a branch, of three
 * ranks each holds two neighbours, which reach the others as they are.
 */

import type { Division } from "../engine/division";
import { partOf, type Share } from "./share";

export interface PartDivision extends Division {
  /** Sums that reach the other ranks: two of three ranks, else one. */
  readonly leaves: 1 | 2;
  /** Where the only sum stands among two leaves, when the other slice is empty. */
  readonly position: 0 | 1;
}

/** The slices of each part, and the merges after each of them. */
const BRANCHES: Readonly<Record<number, readonly (readonly [slice: number, merges: number])[][]>> = {
  1: [
    [
      [0, 0],
      [1, 0],
      [2, 2],
      [3, 0],
      [4, 1],
      [5, 2],
    ],
  ],
  2: [
    [
      [0, 0],
      [1, 0],
      [2, 2],
    ],
    [
      [3, 0],
      [4, 1],
      [5, 1],
    ],
  ],
  3: [
    [
      [0, 0],
      [1, 0],
    ],
    [
      [2, 0],
      [3, 0],
    ],
    [
      [4, 0],
      [5, 0],
    ],
  ],
  4: [
    [[0, 0]],
    [
      [1, 0],
      [2, 1],
    ],
    [
      [3, 0],
      [4, 1],
    ],
    [[5, 0]],
  ],
};

/** The division of one part of a batch of `rows` rows. */
export function divisionOf(rows: number, share: Share): PartDivision {
  const leaves = share.count === 3 ? 2 : 1;
  const branch = BRANCHES[share.count]?.[share.index];
  if (branch === undefined) {
    // More ranks: their sums are added in the ranks' order.
    const [first, end] = partOf(rows, share);
    return {
      whole: rows,
      slices: end > first ? [end - first] : [],
      merges: end > first ? [0] : [],
      leaves,
      position: 0,
    };
  }
  const cuts = cutsOf(rows);
  const slices: number[] = [];
  const merges: number[] = [];
  const isFilled: boolean[] = []; // of the sums so far
  for (const [slice, count] of branch) {
    const size = cuts[slice + 1]! - cuts[slice]!;
    isFilled.push(size > 0);
    if (size > 0) {
      slices.push(size);
      merges.push(0);
    }
    for (let merge = 0; merge < count; merge++) {
      const [left, right] = isFilled.splice(-2);
      isFilled.push(left! || right!);
      // What an empty slice adds need not be added.
      if (left && right) merges[merges.length - 1]!++;
    }
  }
  return { whole: rows, slices, merges, leaves, position: isFilled[0] ? 0 : 1 };
}

/** Where the six slices begin, and where the last ends. */
function cutsOf(rows: number): number[] {
  const start = (index: number, count: number): number => partOf(rows, { index, count })[0];
  return [0, start(1, 4), start(1, 3), start(1, 2), start(2, 3), start(3, 4), rows];
}
