/** Reliability diagram: how often central intervals cover the truth, against how often they promise to. */

import { type HeadName, PARAMETERS } from "../data/parameters";
import type { Reliability } from "../predict/coverage";
import { roundForFigure } from "./downsample";
import { createFigure, type Figure, PALETTE, type ScatterTrace, symbolOf, type Trace } from "./figure";

/** What is drawn beside the curve. */
export interface ReliabilityFigureOptions {
  /** The same stars before they were calibrated, in grey. */
  readonly before?: Reliability;
  /** How many stars were counted: the band in which calibrated intervals scatter (two standard errors) is drawn. */
  readonly stars?: number;
  readonly title?: string;
}

/** Calibrated intervals lie on the diagonal; below it they are too short, above it too long. */
export function reliabilityFigure(
  head: HeadName,
  reliability: Reliability,
  { before, stars, title = `${symbolOf(head)}: ${PARAMETERS[head].description}` }: ReliabilityFigureOptions = {},
): Figure {
  const data: Trace[] = [
    line("perfect", { nominal: [0, 1], observed: [0, 1] }, { color: PALETTE.black, width: 1, dash: "dash" }),
  ];
  if (stars !== undefined) {
    for (const side of [-2, 2]) {
      const nominal = Array.from({ length: 41 }, (_, index) => index / 40);
      const observed = nominal.map((share) => share + side * Math.sqrt((share * (1 - share)) / stars));
      data.push({
        ...line("scatter of as many stars", { nominal, observed }, { color: PALETTE.grey, width: 0.8, dash: "dot" }),
        showlegend: side > 0,
      });
    }
  }
  if (before !== undefined) data.push(line("before", before, { color: PALETTE.grey, width: 1.6, dash: "solid" }));
  data.push({
    ...line("calibrated", reliability, { color: PALETTE.blue, width: 1.8, dash: "solid" }),
    mode: "lines+markers",
    marker: { color: PALETTE.blue, size: 5 },
  });
  return createFigure(data, {
    title: { text: title },
    width: 480,
    height: 460,
    xaxis: { title: { text: "Promised by the interval" }, range: [0, 1] },
    yaxis: { title: { text: "Stars inside" }, range: [0, 1] },
  });
}

function line(
  name: string,
  { nominal, observed }: Reliability,
  style: NonNullable<ScatterTrace["line"]>,
): ScatterTrace {
  return {
    type: "scatter",
    mode: "lines",
    name,
    x: nominal.map(roundForFigure),
    y: observed.map(roundForFigure),
    line: style,
  };
}
