/**
 * Adds Lorentzian peaks L(ν) = H / (1 + 4(ν - ν0)²/Γ²) to a spectrum, averaged over each bin, so that the power πHΓ/2 of
 * a peak is kept even where it is narrower than a bin (Fletcher+ 2006, MNRAS 371 935, in its exact form).
 *
 * A bin's mean is (HΓ/2δ) [atan(2(f + δ/2 - ν0)/Γ) - atan(2(f - δ/2 - ν0)/Γ)]. That is evaluated near the centre. Further
 * out the bin's mean is L + (δ²/24) L'', right to (δ/r)⁴/16 at r = hypot(f - ν0, Γ/2): 2e-5 where it takes over. Beyond
 * 256 bins the wings are collected as parabolas over cells of 32 bins, right to 1e-3 of the wing, and summed up at the end.
 */

import { binOfFrequency, type Grid } from "../data/grid";

/** A peak to add; `height` is that of the resolved Lorentzian. */
export interface Peak {
  readonly frequencyUHz: number;
  readonly height: number;
  readonly widthUHz: number;
}

/** The wings are kept until less than 1/320π of the peak's power lies beyond (x = 640 Γ/2) ... */
const KEPT_HALF_WIDTHS = 640;

/** ... and until they are below this fraction of the background at the peak. */
const WING_FLOOR = 1e-4;

/** Peaks that raise no bin by more than this fraction of the background are left out. */
const PEAK_FLOOR = 1e-4;

const CELL = 32; // bins
const NEAR = 256; // bins
const EXACT = 8; // bins

/** Adds peaks to spectra of one grid; holds the memory for it, so that nothing is allocated per star. */
export class LorentzianAdder {
  private readonly cells: number;
  /** The wings' value, slope and half curvature at the centre of each cell, in bins. */
  private readonly values: Float64Array;
  private readonly slopes: Float64Array;
  private readonly curvatures: Float64Array;

  constructor(private readonly grid: Grid) {
    this.cells = Math.ceil(grid.points / CELL);
    this.values = new Float64Array(this.cells);
    this.slopes = new Float64Array(this.cells);
    this.curvatures = new Float64Array(this.cells);
  }

  /**
   * Adds `peaks` to `spectrum` ([points], ppm²/µHz). `background` ([points]) decides where wings may be cut.
   */
  add(peaks: readonly Peak[], background: Float64Array, spectrum: Float64Array): void {
    this.values.fill(0);
    this.slopes.fill(0);
    this.curvatures.fill(0);
    const lastBin = this.grid.points - 1;
    for (const peak of peaks) {
      const centre = binOfFrequency(peak.frequencyUHz, this.grid);
      const halfWidth = peak.widthUHz / (2 * this.grid.stepUHz); // bins
      const level = background[Math.min(lastBin, Math.max(0, Math.round(centre)))]!;
      const ratio = peak.height / level;
      if (ratio * Math.min(1, Math.PI * halfWidth) < PEAK_FLOOR) continue;
      const reach = halfWidth * Math.max(KEPT_HALF_WIDTHS, Math.sqrt(ratio / WING_FLOOR));
      this.addPeak(peak.height, centre, halfWidth, reach, spectrum);
    }
    this.addWings(spectrum);
  }

  /** Positions and widths in bins. */
  private addPeak(height: number, centre: number, halfWidth: number, reach: number, spectrum: Float64Array): void {
    const { points } = this.grid;
    const first = Math.max(0, Math.floor(centre - reach + 0.5));
    const last = Math.min(points - 1, Math.floor(centre + reach + 0.5));
    if (first > last) return;
    if (last - first <= 2 * NEAR) {
      this.addNear(height, centre, halfWidth, first, last, spectrum);
      return;
    }
    // Whole cells are wings; the cells between them, and the ends of the window, are near.
    const nearFirst = Math.max(0, Math.floor((centre - NEAR) / CELL));
    const nearEnd = clamp(Math.ceil((centre + NEAR) / CELL), 0, this.cells);
    this.addFar(height, centre, halfWidth, Math.floor(first / CELL), nearFirst);
    this.addNear(height, centre, halfWidth, nearFirst * CELL, Math.min(points, nearEnd * CELL) - 1, spectrum);
    this.addFar(height, centre, halfWidth, nearEnd, Math.floor(last / CELL) + 1);
  }

  private addNear(
    height: number,
    centre: number,
    halfWidth: number,
    first: number,
    last: number,
    spectrum: Float64Array,
  ): void {
    const square = halfWidth * halfWidth;
    const weight = height * square;
    const exactReach = Math.sqrt(Math.max(0, EXACT * EXACT - square));
    const exactFirst = clamp(Math.ceil(centre - exactReach), first, last + 1);
    const exactEnd = clamp(Math.floor(centre + exactReach) + 1, exactFirst, last + 1);
    addSmooth(weight, centre, square, first, exactFirst, spectrum);
    if (exactFirst < exactEnd) {
      const power = height * halfWidth;
      let edge = Math.atan((exactFirst - 0.5 - centre) / halfWidth);
      for (let bin = exactFirst; bin < exactEnd; bin++) {
        const next = Math.atan((bin + 0.5 - centre) / halfWidth);
        spectrum[bin]! += power * (next - edge);
        edge = next;
      }
    }
    addSmooth(weight, centre, square, exactEnd, last + 1, spectrum);
  }

  private addFar(height: number, centre: number, halfWidth: number, first: number, end: number): void {
    const { values, slopes, curvatures } = this;
    const square = halfWidth * halfWidth;
    const weight = height * square;
    const stop = Math.min(end, this.cells);
    for (let cell = Math.max(0, first); cell < stop; cell++) {
      const x = cell * CELL + (CELL - 1) / 2 - centre;
      const inverse = 1 / (x * x + square);
      const value = weight * inverse;
      values[cell]! += value;
      slopes[cell]! -= 2 * x * value * inverse;
      curvatures[cell]! += value * inverse * (4 * x * x * inverse - 1);
    }
  }

  private addWings(spectrum: Float64Array): void {
    const { points } = this.grid;
    for (let cell = 0; cell < this.cells; cell++) {
      const value = this.values[cell]!;
      if (value === 0) continue;
      const slope = this.slopes[cell]!;
      const curvature = this.curvatures[cell]!;
      const first = cell * CELL;
      const count = Math.min(CELL, points - first);
      for (let offset = 0; offset < count; offset++) {
        const x = offset - (CELL - 1) / 2;
        spectrum[first + offset]! += value + x * (slope + x * curvature);
      }
    }
  }
}

/** Adds L + (δ²/24) L'' to bins `first` to `end` - 1, away from the centre: `weight` = H (Γ/2)², `square` = (Γ/2)². */
function addSmooth(
  weight: number,
  centre: number,
  square: number,
  first: number,
  end: number,
  spectrum: Float64Array,
): void {
  for (let bin = first; bin < end; bin++) {
    const x = bin - centre;
    const inverse = 1 / (x * x + square);
    // L'' = 2 * weight * inverse² * (4x² * inverse - 1)
    spectrum[bin]! += weight * inverse * (1 + (inverse * (4 * x * x * inverse - 1)) / 12);
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
