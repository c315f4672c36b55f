/** Thins a curve for drawing without losing a peak: of each run of points, its lowest and its highest stay. */

export interface Curve {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/**
 * At most `maxPoints` points of a curve, in order, its first and last included; NaN is skipped. Figures are drawn from
 * thousands of points while a spectrum has tens of thousands.
 *
 * @param x [n], @param y [n]
 */
export function downsample(x: ArrayLike<number>, y: ArrayLike<number>, maxPoints: number): Curve {
  const count = x.length;
  if (count <= maxPoints) return pick(x, y, [...Array(count).keys()]);
  const buckets = Math.max(1, Math.floor((maxPoints - 2) / 2));
  const kept = new Set<number>([0, count - 1]);
  for (let bucket = 0; bucket < buckets; bucket++) {
    const start = Math.floor((bucket * count) / buckets);
    const end = Math.floor(((bucket + 1) * count) / buckets);
    let lowest = start;
    let highest = start;
    for (let index = start + 1; index < end; index++) {
      if (!(y[index]! >= y[lowest]!)) lowest = index;
      if (!(y[index]! <= y[highest]!)) highest = index;
    }
    kept.add(lowest).add(highest);
  }
  return pick(
    x,
    y,
    [...kept].sort((a, b) => a - b),
  );
}

/** A number with as many digits as a figure can show; keeps the JSON of thousands of points small. */
export function roundForFigure(value: number): number {
  return Number(value.toPrecision(7));
}

function pick(x: ArrayLike<number>, y: ArrayLike<number>, indexes: readonly number[]): Curve {
  const finite = indexes.filter((index) => Number.isFinite(y[index]!));
  return {
    x: finite.map((index) => roundForFigure(x[index]!)),
    y: finite.map((index) => roundForFigure(y[index]!)),
  };
}
