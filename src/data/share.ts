/** How ranks divide the rows of a batch. */

/** Part `index` of `count`, which together are the whole. */
export interface Share {
  readonly index: number;
  readonly count: number;
}

export const WHOLE: Share = { index: 0, count: 1 };

/**
 * The rows of one part: neighbours; parts differ by one row at most, and follow each other. Where parts are few or large
 * they start at even rows and differ by two: the native engine transforms neighbours in pairs, and a pair in one part gives
 * the very numbers that it gives in the whole batch.
 */
export function partOf(rows: number, { index, count }: Share): readonly [first: number, last: number] {
  const unit = unitOf(rows, count);
  const units = Math.ceil(rows / unit);
  const start = (part: number): number => Math.min(rows, unit * Math.floor((units * part) / count));
  return [start(index), start(index + 1)];
}

/** The most rows that a part has. */
export function largestPart(rows: number, { count }: Pick<Share, "count">): number {
  const unit = unitOf(rows, count);
  return Math.min(rows, unit * Math.ceil(Math.ceil(rows / unit) / count));
}

function unitOf(rows: number, count: number): number {
  return count <= 4 || rows >= 8 * count ? 2 : 1;
}
