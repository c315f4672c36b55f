/** Power spectrum with its modes marked by degree. */

import { type Grid, gridFrequencies, KEPLER_GRID } from "../data/grid";
import { downsample, roundForFigure } from "./downsample";
import { createFigure, type Figure, type MarkerSymbol, PALETTE, type ScatterTrace, type Trace } from "./figure";
import { type MarkedMode, visibleModes } from "./visible-modes";

/** What a spectrum's figure shows; frequencies in µHz, powers in ppm²/µHz. */
export interface SpectrumFigureOptions {
  /** [points] */
  readonly power: ArrayLike<number>;
  /** Default: the network's grid. */
  readonly grid?: Grid;
  /** [points] the expected power, drawn over the observed one. */
  readonly limit?: ArrayLike<number>;
  readonly modes?: readonly MarkedMode[];
  /** The frequencies shown, µHz; default: all. */
  readonly range?: readonly [number, number];
  readonly scale?: "linear" | "log";
  /** Of the power; default ppm²/µHz. */
  readonly unit?: string;
  readonly title?: string;
  readonly maxPoints?: number;
}

/** How each degree is drawn, in every figure. */
export const DEGREE_STYLES: readonly { readonly color: string; readonly symbol: MarkerSymbol }[] = [
  { color: PALETTE.vermillion, symbol: "circle" },
  { color: PALETTE.blue, symbol: "triangle-up" },
  { color: PALETTE.green, symbol: "square" },
  { color: PALETTE.purple, symbol: "diamond" },
];

const MAX_POINTS = 2400;

/** The spectrum as a line, its expected power above it if given, and a row of marks per degree on top. */
export function spectrumFigure(options: SpectrumFigureOptions): Figure {
  const { grid = KEPLER_GRID, modes = [], scale = "linear", unit = "ppm²/µHz", title = "Power spectrum" } = options;
  const frequencies = gridFrequencies(grid);
  const [from, to] = options.range ?? [-Infinity, Infinity];
  const low = Math.max(from, frequencies[0]!);
  const high = Math.min(to, frequencies.at(-1)!);
  const first = frequencies.findIndex((frequency) => frequency >= low);
  const last = first + frequencies.subarray(first).filter((frequency) => frequency <= high).length;
  const thin = (values: ArrayLike<number>): { x: readonly number[]; y: readonly number[] } =>
    downsample(frequencies.subarray(first, last), slice(values, first, last), options.maxPoints ?? MAX_POINTS);
  const observed = thin(options.power);
  const data: Trace[] = [
    { type: "scatter", mode: "lines", name: "observed", ...observed, line: { color: PALETTE.grey, width: 0.8 } },
  ];
  if (options.limit !== undefined) {
    data.push({
      type: "scatter",
      mode: "lines",
      name: "expected",
      ...thin(options.limit),
      line: { color: PALETTE.black, width: 1.3 },
    });
  }
  const top = observed.y.reduce((a, b) => Math.max(a, b), 0);
  const rows = markRows(visibleModes(modes, [low, high], grid), top, scale);
  data.push(...rows);
  const highest = rows.at(-1)?.y[0] ?? top;
  const range = logOrLinearRange(observed.y, scale === "log" ? highest * 1.6 : highest * 1.06, scale);
  return createFigure(data, {
    title: { text: title },
    xaxis: { title: { text: "Frequency (µHz)" }, range: [low, high] },
    yaxis: { title: { text: `Power density (${unit})` }, type: scale, range },
  });
}

/** Marks of each degree in a row of their own above the spectrum, so that none hides a peak or another mark. */
function markRows(modes: readonly MarkedMode[], top: number, scale: "linear" | "log"): ScatterTrace[] {
  const degrees = [...new Set(modes.map(({ degree }) => degree))].sort((a, b) => a - b);
  return degrees.map((degree, row) => {
    const x = modes.filter((mode) => mode.degree === degree).map(({ frequencyUHz }) => roundForFigure(frequencyUHz));
    const level = scale === "log" ? top * 1.5 ** (row + 1) : top * (1.05 + 0.055 * row);
    const style = DEGREE_STYLES[degree % DEGREE_STYLES.length]!;
    return {
      type: "scatter",
      mode: "markers",
      name: `ℓ = ${degree}`,
      x,
      y: x.map(() => roundForFigure(level)),
      marker: { ...style, size: 6, opacity: 0.9 },
      hovertemplate: `ℓ = ${degree}, %{x:.3f} µHz<extra></extra>`,
    };
  });
}

/** From a little below the typical lowest power: a single deep bin does not stretch a log axis over many decades. */
function logOrLinearRange(power: readonly number[], high: number, scale: "linear" | "log"): readonly [number, number] {
  if (scale === "linear") return [0, high];
  const sorted = power.filter((value) => value > 0).sort((a, b) => a - b);
  const low = sorted[Math.floor(sorted.length * 0.02)] ?? high / 1e6;
  return [Math.log10(low), Math.log10(high)];
}

function slice(values: ArrayLike<number>, first: number, last: number): ArrayLike<number> {
  return Array.prototype.slice.call(values, first, last);
}
