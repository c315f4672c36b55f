/** One star: parameters -> modes -> limit spectrum -> observed spectrum. */

import { frequencyOfBin, type Grid, KEPLER_GRID, NYQUIST_UHZ } from "../data/grid";
import { Random } from "../random";
import { attenuation, fillBackground } from "./background";
import { labelColumns } from "./labels";
import { LorentzianAdder } from "./lorentzians";
import { type Band, listModes, type Mode } from "./modes";
import { drawPower } from "./noise";
import { drawStar, type PriorName } from "./priors";
import { resolveStar, type Star, type StarSpec } from "./star";

/** The frequencies that are simulated. */
export interface SimulatorOptions {
  /** Default: the network's grid. A shorter observation is a grid with a wider step. */
  readonly grid?: Grid;
  /** Where modes and granulation are attenuated from, µHz; default: Kepler long cadence. */
  readonly nyquistUHz?: number;
}

/** A simulated star, its spectrum and its labels. */
export interface SimulatedStar {
  readonly star: Star;
  readonly modes: readonly Mode[];
  /** [points] the expected power, ppm²/µHz. */
  readonly limit: Float64Array;
  /** [points] the limit times χ² noise, ppm²/µHz. */
  readonly spectrum: Float64Array;
  /** [36] the label columns of a shard row. */
  readonly labels: Float64Array;
}

/** Which star of which data set; with a prior, this is all that decides what it looks like. */
export interface StarSource {
  readonly seed: number;
  /** Default 0. */
  readonly shard?: number;
  /** The row in the shard; default 0. */
  readonly row?: number;
  /** How many stars were drawn for the row before this one; default 0. */
  readonly draw?: number;
}

// Each star draws its parameters, its scatter and its noise from separate sequences, so that none shifts another.
const PARAMETERS_STREAM = 1;
const SCATTER_STREAM = 2;
const NOISE_STREAM = 3;
const OBSERVATION_STREAM = 4;

/** Simulates stars on one grid and keeps the working memory between them. */
export class Simulator {
  readonly grid: Grid;
  private readonly band: Band;
  private readonly attenuations: Float64Array;
  private readonly adder: LorentzianAdder;
  /** [points] of the star simulated last. */
  private readonly background: Float64Array;
  private readonly limit: Float64Array;

  constructor(options: SimulatorOptions = {}) {
    const { grid = KEPLER_GRID, nyquistUHz = NYQUIST_UHZ } = options;
    this.grid = grid;
    this.band = bandOf(grid, nyquistUHz);
    this.attenuations = Float64Array.from({ length: grid.points }, (_, bin) =>
      attenuation(frequencyOfBin(bin, grid), nyquistUHz),
    );
    this.adder = new LorentzianAdder(grid);
    this.background = new Float64Array(grid.points);
    this.limit = new Float64Array(grid.points);
  }

  /** The modes of a star; scattered as those of the star that `source` names, or at their expected heights and widths. */
  modes(star: Star, source?: StarSource): Mode[] {
    return listModes(star, this.band, source && randomOf(source, SCATTER_STREAM));
  }

  /** The expected power of every bin, ppm²/µHz: [points]; overwritten by the next star. */
  limitOf(star: Star, modes: readonly Mode[]): Float64Array {
    fillBackground(star, this.grid, this.attenuations, this.background);
    this.limit.set(this.background);
    this.adder.add(modes, this.background, this.limit);
    return this.limit;
  }

  /** Writes the observed spectrum of a star, ppm²/µHz, to `into` from `offset` on: [points]. */
  writeSpectrum(star: Star, source: StarSource, into: Float32Array | Float64Array, offset = 0): void {
    const limit = this.limitOf(star, this.modes(star, source));
    drawPower(limit, randomOf(source, NOISE_STREAM), into, offset);
  }
}

/** The star that `source` names under a prior. */
export function starOf(prior: PriorName, source: StarSource): Star {
  return drawStar(prior, randomOf(source, PARAMETERS_STREAM));
}

/**
 * Simulates one star with given parameters, or one drawn from a prior.
 *
 * @throws {RangeError} when the parameters describe no star that can be simulated.
 */
export function simulateStar(
  star: StarSpec | { readonly prior: PriorName },
  source: StarSource,
  options: SimulatorOptions = {},
): SimulatedStar {
  const simulator = new Simulator(options);
  const resolved = "prior" in star ? starOf(star.prior, source) : resolveStar(star);
  const modes = simulator.modes(resolved, source);
  const limit = simulator.limitOf(resolved, modes);
  const spectrum = new Float64Array(simulator.grid.points);
  drawPower(limit, randomOf(source, NOISE_STREAM), spectrum);
  return { star: resolved, modes, limit, spectrum, labels: labelColumns(resolved) };
}

/**
 * The modes of a star at their expected heights and widths, for marking them in a spectrum or an échelle diagram.
 *
 * @throws {RangeError} when the parameters describe no star that can be simulated.
 */
export function simulateModes(star: StarSpec, options: SimulatorOptions = {}): Mode[] {
  const { grid = KEPLER_GRID, nyquistUHz = NYQUIST_UHZ } = options;
  return listModes(resolveStar(star), bandOf(grid, nyquistUHz));
}

function bandOf(grid: Grid, nyquistUHz: number): Band {
  const highUHz = Math.min(nyquistUHz, frequencyOfBin(grid.points - 1, grid));
  return { lowUHz: frequencyOfBin(0, grid), highUHz, nyquistUHz };
}

/** Decides how the star that `source` names is observed, and its noise. */
export function observationRandom(source: StarSource): Random {
  return randomOf(source, OBSERVATION_STREAM);
}

function randomOf({ seed, shard = 0, row = 0, draw = 0 }: StarSource, stream: number): Random {
  return draw === 0 ? new Random(seed, shard, row, stream) : new Random(seed, shard, row, stream, draw);
}
