/** The panels of a star's page: its spectrum, its échelle diagram with the predicted modes, and a posterior per parameter. */

import { PowerSums } from "../classical/cells";
import { expectedDnu } from "../classical/comb";
import { classCenters, classWidths } from "../data/classes";
import { binOfFrequency, frequencyOfBin, type Grid, gridFrequencies } from "../data/grid";
import { type HeadName, PARAMETERS } from "../data/parameters";
import { limitsOf } from "../data/phases";
import { type Posterior, quantile } from "../predict/posteriors";
import type { Prediction } from "../predict/predict";
import { type Mode, resolveStar, type StarSpec, simulateModes } from "../simulate";
import { alignRidges } from "./aligned-ridges";
import { downsample, roundForFigure } from "./downsample";
import { echelleFigure } from "./echelle-figure";
import { createFigure, type Figure, PALETTE, type ScatterTrace, symbolOf, type Trace } from "./figure";

export interface StarPanelOptions {
  readonly prediction: Prediction;
  /** [grid.points] powers before any scaling */
  readonly power: ArrayLike<number>;
  readonly grid: Grid;
}

const SMOOTHED_POINTS = 500;

/** Power against frequency, both logarithmic, smoothed over one dnu, with numax where it is predicted. */
export function starSpectrumFigure({ prediction, power, grid }: StarPanelOptions): Figure {
  const sums = new PowerSums(power, grid);
  const frequencies = gridFrequencies(grid);
  // Logarithmic spacing: as many points for the low frequencies as for the high ones.
  const places = Float64Array.from(frequencies, Math.log);
  const observed = evenly(places, power, frequencies);
  const [low, high] = [frequencies[0]!, frequencies.at(-1)!];
  const x = Array.from({ length: SMOOTHED_POINTS }, (_, k) => low * (high / low) ** (k / (SMOOTHED_POINTS - 1)));
  const y = x.map((frequency) => {
    const half = Math.max(expectedDnu(frequency) / 2, 2 * grid.stepUHz);
    return sums.mean(Math.max(sums.lowUHz, frequency - half), Math.min(sums.highUHz, frequency + half));
  });
  // Single bins reach far below the mean; what counts is where the power stands above it.
  const range = [0.2 * Math.min(...y), 1.5 * Math.max(...observed.y)] as const;
  const data: Trace[] = [
    { type: "scatter", mode: "lines", name: "observed", ...observed, line: { color: "#bdbdbd", width: 0.6 } },
    {
      type: "scatter",
      mode: "lines",
      name: "smoothed over Δν",
      x: x.map(roundForFigure),
      y: y.map(roundForFigure),
      line: { color: PALETTE.black, width: 1.6 },
    },
  ];
  const { numax } = prediction.parameters;
  if (numax !== undefined) {
    const [from, to] = numax.interval68;
    data.push(vertical(numax.median, range, PALETTE.vermillion, 1.6, "ν<sub>max</sub>, network"));
    for (const limit of [from, to])
      data.push({ ...vertical(limit, range, PALETTE.vermillion, 0.8, "68 %", "dot"), showlegend: false });
  }
  if (prediction.classical !== null) {
    data.push(vertical(prediction.classical.numax, range, PALETTE.blue, 1.4, "ν<sub>max</sub>, Gaussian fit", "dash"));
  }
  return createFigure(data, {
    title: { text: "Power spectrum" },
    width: 640,
    height: 420,
    xaxis: { title: { text: "Frequency (µHz)" }, type: "log", range: [Math.log10(low), Math.log10(high)] },
    yaxis: { title: { text: "Power density" }, type: "log", range: [Math.log10(range[0]), Math.log10(range[1])] },
  });
}

/**
 * The spectrum over its smoothed power modulo dnu, and the modes of a star with the predicted parameters: dnu and epp are
 * the pair within their 95 % intervals that the spectrum prefers.
 */
export function starEchelleFigure({ prediction, power, grid }: StarPanelOptions): Figure | null {
  const { parameters, classical } = prediction;
  const dnu = parameters.dnu?.median ?? classical?.dnu;
  const numax = parameters.numax?.median ?? classical?.numax;
  if (dnu === undefined || numax === undefined) return null;
  const sums = new PowerSums(power, grid);
  const range = [Math.max(sums.lowUHz, numax - REACH * dnu), Math.min(sums.highUHz, numax + REACH * dnu)] as const;
  const flat = Float32Array.from(power);
  const first = Math.max(0, Math.floor(binOfFrequency(range[0], grid)));
  const end = Math.min(grid.points, Math.ceil(binOfFrequency(range[1], grid)) + 1);
  for (let bin = first; bin < end; bin++) {
    const frequency = frequencyOfBin(bin, grid);
    const level = sums.mean(Math.max(sums.lowUHz, frequency - dnu), Math.min(sums.highUHz, frequency + dnu));
    flat[bin] = power[bin]! / Math.max(level, Number.MIN_VALUE);
  }
  const star = maybeStar(prediction, new PowerSums(flat, grid));
  const modes = star === null ? [] : tallModes(star, grid);
  const period = star?.dnu ?? dnu;
  // Radial modes a quarter of the way along, quadrupole ones left of them, dipole ones at three quarters.
  const offsetUHz = ((star?.epp ?? parameters.epp?.mean ?? 0.25) - 0.25) * period;
  const title = modes.length > 0 ? "Échelle, predicted modes aligned" : "Échelle";
  const { data, layout } = echelleFigure({ modes, dnu: period, range, power: flat, grid, offsetUHz, title });
  const small = data.map((trace): Trace => {
    return trace.type === "scatter" && trace.marker ? { ...trace, marker: { ...trace.marker, size: 6.5 } } : trace;
  });
  return { data: small, layout: { ...layout, width: 560, height: 420 } };
}

/** What is drawn on either side of numax, in dnu: the envelope of modes. */
const REACH = 4;

/** The lowest mode that is marked, relative to the tallest: lower ones would hide what the marks should be compared with. */
const LOWEST_MARKED = 0.12;

/** Parameters that stand in where a network does not give them. */
const USUAL = { acr: 0.5, aer: 0.05, a3: 0, inc: 60, epg: 0.28, snr: 50, gamma: 0.12, vl1: 1.4, vl2: 0.75, vl3: 0.05 };

/** A star with the predicted parameters, its ridges aligned; null where too little is predicted or no such star exists. */
function maybeStar({ parameters }: Prediction, flat: PowerSums): StarSpec | null {
  const { dnu, numax, epp, dp, q } = parameters;
  if (!dnu || !numax || !epp || !dp || !q) return null;
  const medians = Object.fromEntries(Object.entries(parameters).map(([head, { median }]) => [head, median]));
  const phase = { epp: epp.mean, q: Math.max(0.01, q.median), inc: 0 };
  const star = { ...USUAL, ...medians, dnu: dnu.median, numax: numax.median, dp: dp.median, ...phase };
  try {
    if (epp.identifiable === false) return resolveStar(star);
    return { ...star, ...alignRidges(star, flat, { dnu: dnu.interval95, epp: epp.interval95 }) };
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** The modes that deserve a mark. Seen from the pole, each multiplet is one mode: the pattern without its splittings. */
function tallModes(star: StarSpec, grid: Grid): Mode[] {
  const modes = simulateModes(star, { grid });
  // A mode narrower than a bin is lower than its height by this factor.
  const peak = ({ height, widthUHz }: Mode): number => height * Math.min(1, (Math.PI * widthUHz) / (2 * grid.stepUHz));
  const tallest = modes.reduce((most, mode) => Math.max(most, peak(mode)), 0);
  return modes.filter((mode) => peak(mode) >= LOWEST_MARKED * tallest);
}

/** One parameter's posterior density over its classes, the 68 % and 95 % intervals in colour, above the prior's. */
export function posteriorFigure(
  head: HeadName,
  posterior: Posterior,
  edges: Float64Array,
  prior?: Float64Array,
): Figure {
  const { isCircular } = PARAMETERS[head];
  const limits = limitsOf(edges, isCircular);
  const [centers, widths] = [classCenters(limits), classWidths(limits)];
  const densities = widths.map((width, k) => posterior.probabilities[k]! / width);
  const priorDensities = prior && widths.map((width, k) => prior[k]! / width);
  const [low, high] = isCircular ? [0, 1] : visibleRange(posterior, limits);
  const isShown = (k: number): boolean => limits[k + 1]! > low && limits[k]! < high;
  const shown = [...centers.keys()].filter(isShown);
  const top = shown.reduce((most, k) => Math.max(most, densities[k]!, priorDensities?.[k] ?? 0), 0);
  const bars = (color: string, isOwn: (value: number) => boolean): Trace => {
    const own = shown.filter((k) => isOwn(centers[k]!));
    return {
      type: "bar",
      x: own.map((k) => roundForFigure(centers[k]!)),
      y: own.map((k) => roundForFigure(densities[k]! / top)),
      width: own.map((k) => roundForFigure(widths[k]!)),
      marker: { color },
    };
  };
  const inside = ([from, to]: readonly [number, number], value: number): boolean =>
    (value >= from && value <= to) || (isCircular && value + 1 >= from && value + 1 <= to);
  const { interval68, interval95, median } = posterior;
  const data: Trace[] = [
    bars("#d9d9d9", (value) => !inside(interval95, value)),
    bars("#a6cee3", (value) => inside(interval95, value) && !inside(interval68, value)),
    bars(PALETTE.blue, (value) => inside(interval68, value)),
  ];
  if (priorDensities !== undefined) {
    data.push({
      type: "scatter",
      mode: "lines",
      // As steps: along the top of each class.
      x: shown.flatMap((k) => [roundForFigure(limits[k]!), roundForFigure(limits[k + 1]!)]),
      y: shown.flatMap((k) => Array<number>(2).fill(roundForFigure(priorDensities[k]! / top))),
      line: { color: PALETTE.orange, width: 1.3 },
    });
  }
  data.push(vertical(median, [0, 1.05], PALETTE.black, 1.3));
  return createFigure(data, {
    title: { text: posteriorTitle(head, posterior) },
    bargap: 0,
    xaxis: { range: [low, high] },
    yaxis: { range: [0, 1.08], showticklabels: false },
  });
}

/** Symbol, median and the distances to the 68 % limits; for a parameter that is not identifiable, that. */
function posteriorTitle(head: HeadName, { median, interval68, unit, identifiable }: Posterior): string {
  const [low, high] = interval68;
  // A phase's limits may lie a turn away from its median.
  const middle = median < low ? median + 1 : median;
  const digits = Math.min(4, Math.max(0, 1 - Math.floor(Math.log10(Math.max(high - low, 1e-6)))));
  const value = `${median.toFixed(digits)} +${(high - middle).toFixed(digits)} −${(middle - low).toFixed(digits)} ${unit}`;
  return `${symbolOf(head)}  ${identifiable === false ? "not identifiable" : value.trimEnd()}`;
}

/** Where the posterior is, with as much again beside it; all classes where it tells nothing. */
function visibleRange(posterior: Posterior, limits: Float64Array): readonly [number, number] {
  const [first, last] = [limits[0]!, limits.at(-1)!];
  if (posterior.identifiable === false) return [first, last];
  const [low, high] = [0.003, 0.997].map((part) => quantile(posterior.probabilities, limits, part));
  const margin = Math.max(0.6 * (high! - low!), 0.01 * (last - first));
  return [Math.max(first, low! - margin), Math.min(last, high! + margin)];
}

function vertical(
  place: number,
  [low, high]: readonly [number, number],
  color: string,
  width: number,
  name?: string,
  dash: "solid" | "dash" | "dot" = "solid",
): ScatterTrace {
  const x = roundForFigure(place);
  return {
    type: "scatter",
    mode: "lines",
    x: [x, x],
    y: [low, high],
    line: { color, width, dash },
    ...(name !== undefined && { name }),
  };
}

/** At most 1600 points, spread evenly over `places`, the lowest and highest of each stretch. */
function evenly(
  places: Float64Array,
  power: ArrayLike<number>,
  frequencies: Float64Array,
): { x: number[]; y: number[] } {
  const stretches = 40;
  const step = (places.at(-1)! - places[0]!) / stretches;
  const x: number[] = [];
  const y: number[] = [];
  let first = 0;
  for (let stretch = 0; stretch < stretches; stretch++) {
    let end = first;
    while (end < places.length && (places[end]! < places[0]! + (stretch + 1) * step || stretch === stretches - 1))
      end++;
    if (end === first) continue;
    const powers = Array.from({ length: end - first }, (_, index) => power[first + index]!);
    const thinned = downsample(frequencies.subarray(first, end), powers, 40);
    x.push(...thinned.x);
    y.push(...thinned.y);
    first = end;
  }
  return { x, y };
}
