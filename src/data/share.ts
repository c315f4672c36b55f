/** How ranks divide the rows of a batch. */

/** Part `index` of `count`, which together are the whole. */
export interface Share {
  readonly index: number;
  readonly count: number;
}

export const WHOLE: Share = { index: 0, count: 1 };

/** The rows of one part: neighbours; parts differ by one row at most, and follow each other. */
export function partOf(rows: number, { index, count }: Share): readonly [first: number, last: number] {
  return [Math.floor((rows * index) / count), Math.floor((rows * (index + 1)) / count)];
}

/** The rows that the largest part has. */
export function largestPart(rows: number, { count }: Pick<Share, "count">): number {
  return Math.ceil(rows / count);
}
