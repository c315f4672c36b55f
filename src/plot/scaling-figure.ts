/** Training speed against the number of ranks, and what communication takes of a step. */

import { createFigure, type Figure, PALETTE } from "./figure";
import { roundStep } from "./svg/scale";

/** A measurement on a number of ranks. */
export interface ScalingPoint {
  readonly ranks: number;
  readonly samples_per_s: number;
  /** The part of a step in which a rank did nothing but wait for gradients. */
  readonly communication_share: number;
}

/** Above: samples per second with the line of perfect scaling from the first point. Below: communication in percent. */
export function scalingFigure(points: readonly ScalingPoint[], options: { readonly title?: string } = {}): Figure {
  const ranks = points.map((point) => point.ranks);
  const first = points[0];
  if (first === undefined) throw new RangeError("Cannot draw scaling: there must be at least one point, got none");
  const perRank = first.samples_per_s / first.ranks;
  const dtick = Math.max(1, roundStep(Math.max(...ranks) / 10)); // there are whole ranks alone
  const range = [0, Math.max(...ranks) + 0.5] as const;
  return createFigure(
    [
      {
        type: "scatter",
        mode: "lines",
        name: "perfect scaling",
        x: ranks,
        y: ranks.map((count) => perRank * count),
        line: { color: PALETTE.grey, width: 1.2, dash: "dash" },
      },
      {
        type: "scatter",
        mode: "lines+markers",
        name: "measured",
        x: ranks,
        y: points.map((point) => point.samples_per_s),
        line: { color: PALETTE.blue, width: 1.8 },
        marker: { color: PALETTE.blue, size: 8 },
      },
      {
        type: "scatter",
        mode: "lines+markers",
        name: "communication",
        x: ranks,
        y: points.map((point) => 100 * point.communication_share),
        line: { color: PALETTE.vermillion, width: 1.8 },
        marker: { color: PALETTE.vermillion, size: 8 },
        yaxis: "y2",
      },
    ],
    {
      title: { text: options.title ?? "Scaling over ranks" },
      xaxis: { title: { text: "Ranks" }, range, dtick, anchor: "y2" },
      yaxis: { title: { text: "Spectra per second" }, domain: [0.42, 1] },
      yaxis2: { title: { text: "Waiting (%)" }, domain: [0, 0.32] },
    },
  );
}
