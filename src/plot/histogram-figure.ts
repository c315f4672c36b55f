/** How many stars fall into each class of a parameter, drawn with the classes' own edges. */

import { classCenters, classOfValue, classWidths } from "../data/classes";
import { type HeadName, PARAMETERS } from "../data/parameters";
import { roundForFigure } from "./downsample";
import { createFigure, type Figure, PALETTE, symbolOf, withUnit } from "./figure";

/** What a histogram of classes shows. */
export interface HistogramFigureOptions {
  /** In the parameter's unit; values outside the edges count in the first or last class, as in training. */
  readonly values: ArrayLike<number>;
  /** Default: the parameter's own. */
  readonly edges?: Float64Array;
  readonly title?: string;
}

/** One bar per class, as wide as the class. */
export function classHistogramFigure(head: HeadName, options: HistogramFigureOptions): Figure {
  const { unit, edges: own } = PARAMETERS[head];
  const symbol = symbolOf(head);
  const edges = options.edges ?? own;
  const centers = classCenters(edges);
  const counts = new Float64Array(centers.length);
  for (let index = 0; index < options.values.length; index++) counts[classOfValue(options.values[index]!, edges)]!++;
  return createFigure(
    [
      {
        type: "bar",
        name: symbol,
        x: Array.from(centers, roundForFigure),
        y: Array.from(counts),
        width: Array.from(classWidths(edges), roundForFigure),
        marker: { color: PALETTE.sky, line: { color: "#ffffff", width: centers.length > 60 ? 0 : 0.6 } },
        hovertemplate: `${symbol} %{x} ${unit}: %{y} stars<extra></extra>`,
        showlegend: false,
      },
    ],
    {
      title: { text: options.title ?? `${symbol}: ${options.values.length} stars in ${centers.length} classes` },
      bargap: 0,
      xaxis: { title: { text: withUnit(symbol, unit) }, range: [edges[0]!, edges.at(-1)!] },
      yaxis: { title: { text: "Stars" } },
    },
  );
}
