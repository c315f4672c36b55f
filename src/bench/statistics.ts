/** Medians and spreads of repeated measurements. */

export interface Summary {
  readonly median: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly count: number;
}

/** The middle value; the mean of the two middle ones when the count is even. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("Cannot take the median of no values");
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function summarize(values: readonly number[]): Summary {
  return {
    median: median(values),
    minimum: Math.min(...values),
    maximum: Math.max(...values),
    count: values.length,
  };
}
