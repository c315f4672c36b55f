/** Échelle diagram: frequency against frequency modulo the large separation, where each degree forms a ridge. */

import { binOfFrequency, frequencyOfBin, type Grid, KEPLER_GRID } from "../data/grid";
import { roundForFigure } from "./downsample";
import { createFigure, type Figure, GREYS, type HeatmapTrace, type ScatterTrace, type Trace } from "./figure";
import { DEGREE_STYLES } from "./spectrum-figure";
import { type MarkedMode, visibleModes } from "./visible-modes";

/** What an échelle diagram shows; frequencies in µHz. */
export interface EchelleFigureOptions {
  readonly modes: readonly MarkedMode[];
  /** The large separation, µHz. */
  readonly dnu: number;
  /** The frequencies shown, µHz. */
  readonly range: readonly [number, number];
  /** [points] drawn in grey behind the modes. */
  readonly power?: ArrayLike<number>;
  /** Default: the network's grid. */
  readonly grid?: Grid;
  /** Frequencies are taken modulo dnu from here on, µHz: chosen so that no ridge is cut at the edge. Default 0. */
  readonly offsetUHz?: number;
  readonly title?: string;
}

const COLUMNS = 120;

/** Modes by degree, sized alike; the spectrum behind them, if given, in grey. */
export function echelleFigure(options: EchelleFigureOptions): Figure {
  const { dnu, range, offsetUHz = 0, title = "Échelle diagram" } = options;
  const grid = options.grid ?? KEPLER_GRID;
  const low = Math.max(range[0], frequencyOfBin(0, grid));
  const high = Math.min(range[1], frequencyOfBin(grid.points - 1, grid));
  const data: Trace[] = [];
  if (options.power !== undefined) data.push(background(options.power, options, [low, high]));
  const shown = visibleModes(options.modes, [low, high], grid);
  for (const degree of [...new Set(shown.map((mode) => mode.degree))].sort((a, b) => b - a)) {
    data.push(ridge(shown, degree, dnu, offsetUHz));
  }
  const from = echelleModulo(offsetUHz, dnu).toFixed(2);
  const modulo = offsetUHz === 0 ? "Frequency mod Δν (µHz)" : `(Frequency − ${from} µHz) mod Δν (µHz)`;
  return createFigure(data, {
    title: { text: `${title}, Δν = ${roundForFigure(Number(dnu.toFixed(3)))} µHz` },
    width: 620,
    height: 520,
    // The few radial modes are drawn last, above the many others; the legend still begins with them.
    legend: { traceorder: "reversed" },
    xaxis: { title: { text: modulo }, range: [0, dnu] },
    yaxis: { title: { text: "Frequency (µHz)" }, range: [low, high] },
  });
}

/** The place of a frequency along the x axis, in [0, dnu). */
export function echelleModulo(frequencyUHz: number, dnu: number, offsetUHz = 0): number {
  const shifted = frequencyUHz - offsetUHz;
  return shifted - dnu * Math.floor(shifted / dnu);
}

function ridge(modes: readonly MarkedMode[], degree: number, dnu: number, offsetUHz: number): ScatterTrace {
  const own = modes.filter((mode) => mode.degree === degree);
  return {
    type: "scatter",
    mode: "markers",
    name: `ℓ = ${degree}`,
    x: own.map((mode) => roundForFigure(echelleModulo(mode.frequencyUHz, dnu, offsetUHz))),
    y: own.map((mode) => roundForFigure(mode.frequencyUHz)),
    marker: { ...DEGREE_STYLES[degree % DEGREE_STYLES.length]!, size: 8, opacity: 0.85 },
    hovertemplate: `ℓ = ${degree}, %{y:.3f} µHz<extra></extra>`,
  };
}

/** Mean power in cells of dnu / 120; the square root shows weak ridges beside strong ones. */
function background(
  power: ArrayLike<number>,
  options: EchelleFigureOptions,
  range: readonly [number, number],
): HeatmapTrace {
  const { dnu, offsetUHz = 0, grid = KEPLER_GRID } = options;
  const firstOrder = Math.floor((range[0] - offsetUHz) / dnu);
  const rows = Math.ceil((range[1] - offsetUHz) / dnu) - firstOrder;
  const start = offsetUHz + firstOrder * dnu;
  const sums = Array.from({ length: rows }, () => new Float64Array(COLUMNS));
  const counts = Array.from({ length: rows }, () => new Float64Array(COLUMNS));
  const firstBin = Math.max(0, Math.ceil(binOfFrequency(Math.max(range[0], start), grid)));
  const lastBin = Math.min(power.length - 1, Math.floor(binOfFrequency(range[1], grid)));
  for (let bin = firstBin; bin <= lastBin; bin++) {
    const place = (frequencyOfBin(bin, grid) - start) / dnu;
    const row = Math.min(rows - 1, Math.floor(place));
    const column = Math.floor((place - Math.floor(place)) * COLUMNS);
    sums[row]![column]! += power[bin]!;
    counts[row]![column]!++;
  }
  const z = sums.map((row, index) =>
    Array.from(row, (sum, column) => {
      const count = counts[index]![column]!;
      return count === 0 ? null : Number(Math.sqrt(sum / count).toPrecision(3));
    }),
  );
  const sorted = z.flat().filter((value): value is number => value !== null);
  sorted.sort((a, b) => a - b);
  return {
    type: "heatmap",
    x: Array.from({ length: COLUMNS + 1 }, (_, column) => roundForFigure((column * dnu) / COLUMNS)),
    y: Array.from({ length: rows + 1 }, (_, row) => roundForFigure(start + row * dnu)),
    z,
    zmin: sorted[0] ?? 0,
    // The few tallest cells may saturate: what matters is where the ridges run.
    zmax: sorted[Math.floor(sorted.length * 0.99)] ?? 1,
    colorscale: GREYS,
    showscale: false,
  };
}
