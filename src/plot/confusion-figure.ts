/** Confusion matrix: which class the network names for stars of each true class. */

import { type HeadName, PARAMETERS } from "../data/parameters";
import { roundForFigure } from "./downsample";
import { createFigure, type Figure, SEQUENTIAL, symbolOf, withUnit } from "./figure";

/** The true and the predicted classes of [n] stars. */
export interface ConfusionFigureOptions {
  /** [n] */
  readonly trueClasses: ArrayLike<number>;
  /** [n] */
  readonly predictedClasses: ArrayLike<number>;
  /** Default: the parameter's own. */
  readonly edges?: Float64Array;
  readonly title?: string;
}

/** More cells a side than this are too small to see: neighbouring classes are drawn as one. */
const MOST_CELLS = 60;

/**
 * Each row is a true class and sums to 1; classes are drawn at their values, so that a wide class is a wide cell. Rows
 * of classes that no star has are empty.
 *
 * @throws {RangeError} when the two lists have different lengths.
 */
export function confusionFigure(head: HeadName, options: ConfusionFigureOptions): Figure {
  const { unit, edges: own } = PARAMETERS[head];
  const symbol = symbolOf(head);
  const { trueClasses, predictedClasses } = options;
  const allEdges = options.edges ?? own;
  const merged = Math.ceil((allEdges.length - 1) / MOST_CELLS);
  const cells = Math.ceil((allEdges.length - 1) / merged);
  const edges = Array.from({ length: cells + 1 }, (_, cell) =>
    roundForFigure(allEdges[Math.min(cell * merged, allEdges.length - 1)]!),
  );
  const cellOf = (label: number): number => Math.floor(label / merged);
  const counts = confusionCounts(Array.from(trueClasses, cellOf), Array.from(predictedClasses, cellOf), cells);
  const z = counts.map((row) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    return Array.from(row, (count) => (count === 0 ? null : Number((count / total).toPrecision(3))));
  });
  const hits = Array.from(trueClasses).filter((label, star) => label === predictedClasses[star]).length;
  const accuracy = hits / trueClasses.length;
  const range = [edges[0]!, edges.at(-1)!] as const;
  const axis = (text: string): { title: { text: string }; range: readonly [number, number] } => ({
    title: { text },
    range,
  });
  return createFigure(
    [
      {
        type: "heatmap",
        x: edges,
        y: edges,
        z,
        zmin: 0,
        zmax: 1,
        colorscale: SEQUENTIAL,
        showscale: true,
        colorbar: { title: { text: "Share of the true class" }, thickness: 14 },
        hovertemplate: `true %{y}, predicted %{x}: %{z}<extra></extra>`,
      },
    ],
    {
      title: {
        text: options.title ?? `${symbol}: ${percent(accuracy)} of ${trueClasses.length} in the right class`,
      },
      width: 600,
      height: 520,
      xaxis: axis(`Predicted ${withUnit(symbol, unit)}`),
      yaxis: axis(`True ${withUnit(symbol, unit)}`),
    },
  );
}

/** Counts by true class and predicted class: [classes, classes]. */
export function confusionCounts(
  trueClasses: ArrayLike<number>,
  predictedClasses: ArrayLike<number>,
  classes: number,
): Float64Array[] {
  if (trueClasses.length !== predictedClasses.length) {
    const lengths = `${trueClasses.length} true and ${predictedClasses.length} predicted classes`;
    throw new RangeError(`Cannot compare ${lengths}: expected as many of one as of the other`);
  }
  const counts = Array.from({ length: classes }, () => new Float64Array(classes));
  for (let index = 0; index < trueClasses.length; index++) {
    counts[trueClasses[index]!]![predictedClasses[index]!]!++;
  }
  return counts;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
}
