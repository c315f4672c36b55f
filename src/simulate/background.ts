/** What a spectrum holds besides modes: granulation (Kallinger+ 2014, A&A 570 A41, eq. 2), attenuated, and white noise. */

import { frequencyOfBin, type Grid } from "../data/grid";
import type { Star } from "./star";

const NORMALISATION = (2 * Math.SQRT2) / Math.PI; // ∫ ξ (a²/b) / [1 + (ν/b)⁴] dν = a²

/** What shapes granulation. */
export type Granulation = Pick<Star, "granulationAmplitudePpm" | "granulationKneesUHz">;

/** Granulation without attenuation, ppm²/µHz: Σ ξ (a²/b) / [1 + (ν/b)⁴] over the two knees b. */
export function granulation(star: Granulation, frequency: number): number {
  const [first, second] = star.granulationKneesUHz;
  const scale = NORMALISATION * star.granulationAmplitudePpm ** 2;
  const x = (frequency / first) ** 2;
  const y = (frequency / second) ** 2;
  return scale / (first * (1 + x * x)) + scale / (second * (1 + y * y));
}

/**
 * The power attenuation of a signal averaged over the exposure: sinc²(x), x = (π/2)(ν/ν_Nyquist). It acts on modes and
 * granulation, not on white noise (Chaplin+ 2011, ApJ 732 54).
 */
export function attenuation(frequency: number, nyquist: number): number {
  const x = (Math.PI / 2) * (frequency / nyquist);
  return x === 0 ? 1 : (Math.sin(x) / x) ** 2;
}

/** The background as observed, ppm²/µHz. */
export function background(star: Star, frequency: number, nyquist: number): number {
  return star.whiteNoise + attenuation(frequency, nyquist) * granulation(star, frequency);
}

/** Writes the background of every bin to `into` ([points]); `attenuations` are those of the bins. */
export function fillBackground(star: Star, grid: Grid, attenuations: Float64Array, into: Float64Array): void {
  const [first, second] = star.granulationKneesUHz;
  const scale = NORMALISATION * star.granulationAmplitudePpm ** 2;
  const firstHeight = scale / first;
  const secondHeight = scale / second;
  const { whiteNoise } = star;
  for (let bin = 0; bin < grid.points; bin++) {
    const frequency = frequencyOfBin(bin, grid);
    const x = (frequency / first) ** 2;
    const y = (frequency / second) ** 2;
    const power = firstHeight / (1 + x * x) + secondHeight / (1 + y * y);
    into[bin] = whiteNoise + attenuations[bin]! * power;
  }
}
