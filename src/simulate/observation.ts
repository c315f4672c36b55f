/** How long a star is observed, and with what gaps: what that does to the spectrum on the network's grid. */

import FFT from "fft.js";
import { type Grid, gridFrequencies, KEPLER_GRID, NYQUIST_UHZ, STEP_UHZ } from "../data/grid";
import { rebinPower } from "../data/rebin";
import type { Random } from "../random";
import { drawPower } from "./noise";
import { Simulator, type StarSource } from "./simulate-star";
import type { Star } from "./star";

/** How stars are observed. */
export interface Observation {
  /** Shortest and longest observation, days: three in four stars take the longest, the others are log-uniform. */
  readonly days: readonly [shortest: number, longest: number];
  /** The part of the stars whose observations have gaps. */
  readonly gaps: number;
}

/** The stars that are observed for the longest time. */
const LONGEST_SHARE = 0.75;

/** Lengths between the shortest and the longest; each has a grid of its own. */
const LENGTHS = 16;

/** One of Kepler's seventeen quarters, days. */
const QUARTER_DAYS = 92;

/** Simulates observed spectra on the network's grid. */
export class Observer {
  /** Longest last. */
  private readonly lengths: readonly number[];
  private readonly simulators = new Map<number, Simulator>();

  constructor(private readonly observation: Observation) {
    const [shortest, longest] = observation.days;
    const count = shortest === longest ? 1 : LENGTHS;
    this.lengths = Array.from({ length: count }, (_, index) =>
      index === count - 1 ? longest : shortest * (longest / shortest) ** (index / (count - 1)),
    );
  }

  /**
   * Writes the spectrum of a star, ppm²/µHz, observed as `random` decides: [35692] from `offset` on.
   *
   * A shorter observation has wider bins (its step is 1/T), in which unresolved modes are diluted; they are brought to the
   * network's grid as those of a real star are. Gaps convolve the amplitudes with the transform of the window.
   */
  writeSpectrum(star: Star, source: StarSource, random: Random, into: Float32Array, offset = 0): void {
    const { lengths, observation } = this;
    const isLongest = random.uniform() < LONGEST_SHARE;
    const days = isLongest ? lengths.at(-1)! : lengths[random.integer(lengths.length)]!;
    const hasGaps = random.uniform() < observation.gaps;
    const simulator = this.simulatorOf(days);
    const limit = simulator.limitOf(star, simulator.modes(star, source));
    const power = new Float64Array(limit.length);
    if (hasGaps) drawGappedPower(limit, drawWindow(days, random), random, power);
    else drawPower(limit, random, power);
    if (simulator.grid.stepUHz === KEPLER_GRID.stepUHz) into.set(power, offset);
    else {
      const out = into.subarray(offset, offset + KEPLER_GRID.points);
      rebinPower(gridFrequencies(simulator.grid), power, simulator.grid.stepUHz, KEPLER_GRID, out);
    }
  }

  private simulatorOf(days: number): Simulator {
    const known = this.simulators.get(days);
    if (known !== undefined) return known;
    const simulator = new Simulator({ grid: gridOf(days) });
    this.simulators.set(days, simulator);
    return simulator;
  }
}

/** The bins k/T of an observation of T days that cover the network's grid. */
export function gridOf(days: number): Grid {
  const stepUHz = 1e6 / 86400 / days;
  // 1470 days are four years of Kepler.
  if (Math.abs(stepUHz / STEP_UHZ - 1) < 1e-3) return KEPLER_GRID;
  const first = Math.max(1, Math.floor(KEPLER_GRID.firstFrequencyUHz / stepUHz));
  const last = Math.ceil(NYQUIST_UHZ / stepUHz);
  return { points: last - first + 1, firstFrequencyUHz: first * stepUHz, stepUHz };
}

/** A stretch of an observation without data, as fractions of its length. */
export interface Gap {
  readonly start: number;
  readonly end: number;
}

/** Each fourth quarter missing, as for stars on Kepler's failed module, or up to five gaps of up to half the time in all. */
function drawWindow(days: number, random: Random): Gap[] {
  if (days > 4 * QUARTER_DAYS && random.uniform() < 0.5) {
    const quarter = QUARTER_DAYS / days;
    const phase = 4 * quarter * random.uniform();
    return Array.from({ length: Math.ceil(1 / (4 * quarter)) + 1 }, (_, index) => {
      const start = (4 * index - 4) * quarter + phase;
      return { start, end: start + quarter };
    });
  }
  const count = 1 + random.integer(5);
  const missing = random.between(0.02, 0.5) / count;
  return Array.from({ length: count }, () => {
    const start = random.between(0, 1 - missing);
    return { start, end: start + missing };
  });
}

/**
 * Draws the spectrum of an observation with gaps: complex amplitudes of the gapless one, to time, times the window, and
 * back. The power is divided by the part of the time that is observed, so that its level stays.
 *
 * @param limit [points] expected power of each bin of the gapless spectrum
 * @param out [points]
 */
export function drawGappedPower(limit: Float64Array, gaps: readonly Gap[], random: Random, out: Float64Array): void {
  const { length } = limit;
  const size = 2 ** Math.ceil(Math.log2(length));
  const fft = new FFT(size);
  const amplitudes = fft.createComplexArray() as Float64Array | number[];
  amplitudes.fill(0);
  for (let bin = 0; bin < length; bin++) {
    const amplitude = Math.sqrt(-limit[bin]! * Math.log(random.uniform()));
    const phase = 2 * Math.PI * random.uniform();
    amplitudes[2 * bin] = amplitude * Math.cos(phase);
    amplitudes[2 * bin + 1] = amplitude * Math.sin(phase);
  }
  const series = fft.createComplexArray() as Float64Array | number[];
  fft.inverseTransform(series, amplitudes);
  let observed = size;
  const isMissing = new Uint8Array(size);
  for (const { start, end } of gaps) {
    const last = Math.min(size, Math.round(end * size));
    for (let time = Math.max(0, Math.round(start * size)); time < last; time++) {
      if (isMissing[time] === 1) continue;
      isMissing[time] = 1;
      observed--;
      series[2 * time] = 0;
      series[2 * time + 1] = 0;
    }
  }
  fft.transform(amplitudes, series);
  const scale = size / observed;
  for (let bin = 0; bin < length; bin++) {
    out[bin] = scale * (amplitudes[2 * bin]! ** 2 + amplitudes[2 * bin + 1]! ** 2);
  }
}
