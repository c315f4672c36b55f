/** Estimates without a network, to compare it with: numax from the envelope of power, dnu from autocorrelation. */

import type { Grid } from "../data/grid";
import { noiseDensity, PowerSums } from "./cells";
import { CombSearch } from "./comb";
import { type Envelope, fitEnvelope } from "./envelope";

export type { Envelope } from "./envelope";

/** What the classical methods say about one spectrum. */
export interface ClassicalEstimate {
  /** True when the comb stands out beyond what noise alone shows in one of a hundred spectra. */
  readonly isDetected: boolean;
  /** How much the comb stands out: see `DETECTION_STRENGTH`. */
  readonly strength: number;
  /** The width of independent bins, 1/T of the observation, as the noise tells it; µHz. */
  readonly resolutionUHz: number;
  /** µHz; meaningful when detected. */
  readonly numax: number;
  readonly dnu: number;
  /** null where no envelope could be fitted; numax then is that of the window with the strongest comb. */
  readonly envelope: Envelope | null;
}

/**
 * Strengths above this are detections. Of spectra of granulation and white noise alone, 1 of 500 over four years, none of
 * 1000 over 64 days and 4 of 1000 over 27 days reached it (99 % below 20 to 22). 4 of 700
 * stars of the population over four years fell short; for shorter observations see `shareDetected`.
 */
export const DETECTION_STRENGTH = 25;

/**
 * The part of the population's giants that are detected after so many days, to 2 %: of 1000 each, 22, 44, 55, 79, 91 and
 * 99 % were over 27, 54, 80, 180, 365 and 1470 days.
 */
export function shareDetected(days: number): number {
  return 1 / (1 + (66 / days) ** 1.4);
}

/** Windows are centred from here to the end of the spectrum, in steps of 12 %. */
const LOWEST_NUMAX = 3.5;
const STEP = 1.12;

/** Estimates spectra one after the other; keeps its working memory. */
export class ClassicalEstimator {
  private readonly search = new CombSearch();

  /** @param power [grid.points], raw or divided by its background, in any unit */
  estimate(power: ArrayLike<number>, grid: Grid): ClassicalEstimate {
    const sums = new PowerSums(power, grid);
    const resolutionUHz = noiseDensity(sums);
    let best = { numax: LOWEST_NUMAX, dnu: 0, strength: 0 };
    for (let numax = LOWEST_NUMAX; numax < sums.highUHz; numax *= STEP) {
      const comb = this.search.at(sums, numax, resolutionUHz, "power");
      if (comb !== null && comb.strength > best.strength) best = { numax, ...comb };
    }
    const { strength } = best;
    const isDetected = strength > DETECTION_STRENGTH;
    if (!isDetected) return { isDetected, ...best, resolutionUHz, envelope: null };
    const envelope = fitEnvelope(sums, best.numax);
    const numax = envelope?.numax ?? best.numax;
    // The window about the envelope, rather than the one in which the comb happened to be strongest.
    const comb = this.search.at(sums, numax, resolutionUHz, "root");
    return { isDetected, strength, resolutionUHz, numax, dnu: comb?.dnu ?? best.dnu, envelope };
  }
}
