/** Predicted against true values, with the 68 % intervals of the prediction. */

import { type HeadName, PARAMETERS } from "../data/parameters";
import { roundForFigure } from "./downsample";
import { createFigure, type Figure, PALETTE, type ScatterTrace, symbolOf, withUnit } from "./figure";

/** True and predicted values of one parameter, in its unit. */
export interface PredictionFigureOptions {
  /** [n] in the parameter's unit */
  readonly trueValues: ArrayLike<number>;
  /** [n] */
  readonly predictedValues: ArrayLike<number>;
  /** [n] lower and upper bound of each 68 % interval. */
  readonly intervals?: readonly (readonly [number, number])[];
  readonly title?: string;
  /** Of more stars, every k-th is drawn. */
  readonly maxPoints?: number;
}

const MAX_POINTS = 600;

/**
 * One mark per star with its interval, and the line on which prediction and truth agree.
 *
 * @throws {RangeError} when the lists have different lengths.
 */
export function predictionFigure(head: HeadName, options: PredictionFigureOptions): Figure {
  const { trueValues, predictedValues, intervals, maxPoints = MAX_POINTS } = options;
  const count = trueValues.length;
  if (predictedValues.length !== count || (intervals !== undefined && intervals.length !== count)) {
    const lengths = `${count} true values, ${predictedValues.length} predictions and ${intervals?.length ?? "no"} intervals`;
    throw new RangeError(`Cannot compare ${lengths}: expected as many of each`);
  }
  const { unit } = PARAMETERS[head];
  const symbol = symbolOf(head);
  const every = Math.max(1, Math.ceil(count / maxPoints));
  const shown = [...Array(count).keys()].filter((index) => index % every === 0);
  const x = shown.map((index) => roundForFigure(trueValues[index]!));
  const y = shown.map((index) => roundForFigure(predictedValues[index]!));
  const bounds = intervals && shown.map((index) => intervals[index]!);
  const all = [...x, ...y];
  const low = all.reduce((a, b) => Math.min(a, b), Infinity);
  const high = all.reduce((a, b) => Math.max(a, b), -Infinity);
  const margin = 0.04 * (high - low || 1);
  const range = [roundForFigure(low - margin), roundForFigure(high + margin)] as const;
  const stars: ScatterTrace = {
    type: "scatter",
    mode: "markers",
    name: bounds === undefined ? "stars" : "stars, with 68 % intervals",
    x,
    y,
    marker: { color: PALETTE.blue, size: 5, opacity: 0.75 },
    ...(bounds && {
      error_y: {
        type: "data",
        array: bounds.map(([, upper], index) => roundForFigure(Math.max(0, upper - y[index]!))),
        arrayminus: bounds.map(([lower], index) => roundForFigure(Math.max(0, y[index]! - lower))),
        color: "rgba(0,114,178,0.3)",
        thickness: 1,
        width: 0,
      },
    }),
    hovertemplate: `true %{x} ${unit}, predicted %{y} ${unit}<extra></extra>`,
  };
  const agreement: ScatterTrace = {
    type: "scatter",
    mode: "lines",
    name: "prediction = truth",
    x: [...range],
    y: [...range],
    line: { color: PALETTE.vermillion, width: 1.4, dash: "dash" },
  };
  return createFigure([stars, agreement], {
    title: { text: options.title ?? `${symbol}: predicted against true` },
    width: 560,
    height: 540,
    xaxis: { title: { text: `True ${withUnit(symbol, unit)}` }, range },
    yaxis: { title: { text: `Predicted ${withUnit(symbol, unit)}` }, range },
  });
}
