/** The light curves of one star -> its power spectrum in ppm²/µHz. */

import { counted } from "../counted";
import { median } from "../data/median";
import { DataError } from "../errors";
import { averageCadences, bridgeGaps, HIGH_PASS_DAYS, highPass } from "./light-curve-filter";
import { lombScargle } from "./lomb-scargle";
import type { Spectrum } from "./resample";

/** One file's samples, in any order; those whose time or flux is not finite are left out. */
export interface LightCurve {
  readonly path: string;
  readonly timeDays: Float64Array;
  /** Counts, or any unit that is proportional to them, or parts per million about zero. */
  readonly flux: Float64Array;
  /** What a reader of the result should know about the file, a sentence each. */
  readonly notes: readonly string[];
}

/** Fewer samples, or a shorter time, make no spectrum of a giant. */
const LEAST_SAMPLES = 300;
const LEAST_DAYS = 12;

/** Below this share of the time with samples, neighbouring powers correlate and sidelobes rise. */
const LOW_FILL = 0.5;

/** Below this one the times make no sense, and the frequencies up to the Nyquist frequency are too many. */
const LEAST_FILL = 0.02;

/** Slower samples are those of a time in other units; half a spectrum needs one an hour. */
const MOST_CADENCE_DAYS = 1;

/** Longer gaps than three lost quarters of Kepler outlast most modes and are closed: what lies behind is moved up. */
const CLOSED_GAP_DAYS = 300;

const SECONDS_PER_DAY = 86400;

/**
 * The power spectrum of a star from its light curves, one or several that follow one another (Kepler's quarters, TESS's
 * sectors); where two overlap in time, the one that starts first is kept.
 *
 * 1. Each light curve is divided by its median (or taken as ppm when it lies about zero), high-passed and freed of
 *    outliers: see `highPass`. Powers above 2.3 µHz, where the networks' grid begins, change by 1 % or less; those at 1 µHz lose
 *    4 %, at 0.5 µHz 8 to 13 % (in one sector of TESS 40 %).
 * 2. Cadences of 17 minutes or less are averaged to the nearest multiple to Kepler's 29.4 minutes, which the networks'
 *    training spectra have: the same attenuation towards the Nyquist frequency.
 * 3. Gaps of more than 300 days, as between two visits of TESS, are closed. Gaps of up to three samples are bridged by straight lines, longer ones stay.
 * 4. The Lomb-Scargle periodogram P of the samples there are, at the multiples of 1/T up to the Nyquist frequency, is
 *    brought to a density: 2 P Δt. Noise of variance s² has the level s²/ν_Nyquist, gaps or not, and the integral over
 *    frequency is the variance (Parseval's theorem).
 *
 * @throws {DataError} when too few samples or days are left, or times cannot be days.
 */
export function lightCurveSpectrum(curves: readonly LightCurve[]): Spectrum {
  const { path } = curves[0]!;
  const parts = curves.map(cleanPart).filter(({ timeDays }) => timeDays.length > 0);
  const outliers = parts.reduce((sum, part) => sum + part.outliers, 0);
  const { closed, ...joined } = closeGaps(joinParts(parts));
  const samples = joined.timeDays.length;
  const cadenceDays = medianCadence(joined.timeDays);
  const spanDays = samples > 0 ? joined.timeDays.at(-1)! - joined.timeDays[0]! + cadenceDays : 0;
  if (!(samples >= LEAST_SAMPLES && spanDays >= LEAST_DAYS)) {
    throw new DataError(
      `Cannot use "${path}": its light curve has ${samples} usable samples${samples > 1 ? ` over ${format(spanDays)} days` : ""}, ` +
        `expected at least ${LEAST_SAMPLES} over ${LEAST_DAYS} days`,
      { path },
    );
  }
  if (cadenceDays > MOST_CADENCE_DAYS) {
    throw new DataError(
      `Cannot use "${path}": the samples of its light curve are ${format(cadenceDays)} days apart, expected at most ` +
        `${MOST_CADENCE_DAYS} day; are its times in days?`,
      { path },
    );
  }
  const fill = Math.min(1, (samples * cadenceDays) / spanDays);
  if (fill < LEAST_FILL) {
    throw new DataError(
      `Cannot use "${path}": the samples of its light curve, ${format(86400 * cadenceDays)} s apart, fill ` +
        `${format(100 * fill)} % of ${format(spanDays)} days, expected at least ${100 * LEAST_FILL} %; are its times in days?`,
      { path },
    );
  }
  const { timeDays, flux } = bridgeGaps(joined, cadenceDays);
  const mean = flux.reduce((sum, value) => sum + value, 0) / flux.length;
  const count = Math.floor((spanDays / cadenceDays - 1) / 2);
  const power = lombScargle(
    timeDays,
    flux.map((value) => value - mean),
    1 / spanDays,
    count,
  );
  const stepUHz = 1e6 / SECONDS_PER_DAY / spanDays;
  const toDensity = (2 * cadenceDays * SECONDS_PER_DAY) / 1e6; // ppm² -> ppm²/µHz
  return {
    path,
    frequencyUHz: Float64Array.from({ length: count }, (_, k) => (k + 1) * stepUHz),
    power: power.map((value) => value * toDensity),
    oversampling: 1,
    notes: [
      ...new Set(curves.flatMap(({ notes }) => notes)),
      `power spectrum of a light curve: ${samples} samples over ${format(spanDays)} days, ${Math.round(100 * fill)} % filled, ` +
        `${HIGH_PASS_DAYS}-day high-pass, ${outliers} outliers left out`,
      ...new Set(parts.flatMap(({ notes }) => notes)),
      ...(closed > 0 ? [`${counted(closed, "gap")} of more than ${CLOSED_GAP_DAYS} days closed`] : []),
      ...(fill < LOW_FILL ? ["less than half of the time is filled: gaps correlate neighbouring powers"] : []),
    ],
  };
}

interface Part {
  readonly timeDays: Float64Array;
  /** ppm about zero. */
  readonly flux: Float64Array;
  readonly outliers: number;
  readonly notes: readonly string[];
}

function cleanPart(curve: LightCurve): Part {
  const samples = Array.from(curve.timeDays, (time, index) => [time, curve.flux[index]!] as const)
    .filter(([time, flux]) => Number.isFinite(time) && Number.isFinite(flux))
    .sort(([a], [b]) => a - b)
    .filter(([time], index, all) => index === 0 || time > all[index - 1]![0]);
  const timeDays = Float64Array.from(samples, ([time]) => time);
  const { flux, note } = inPpm(Float64Array.from(samples, ([, value]) => value));
  const cadenceDays = medianCadence(timeDays);
  const filtered = highPass(timeDays, flux);
  const averaged = averageCadences(filtered.timeDays, filtered.flux, cadenceDays);
  const notes = [note, averaged.note].filter((text) => text !== null);
  return { ...averaged, outliers: timeDays.length - filtered.timeDays.length, notes };
}

/** Light curves further from zero than this many times their scatter are fluxes, nearer ones are residuals. */
const FLUX_TO_SCATTER = 5;

function inPpm(flux: Float64Array): { readonly flux: Float64Array; readonly note: string | null } {
  const level = medianOf(flux);
  const scatter = medianOf(flux.map((value) => Math.abs(value - level)));
  if (level > FLUX_TO_SCATTER * scatter && level > 0) {
    return { flux: flux.map((value) => 1e6 * (value / level - 1)), note: null };
  }
  // No star is as quiet as 0.05 ppm, and no giant scatters by 5 %.
  if (scatter < 0.05) return { flux: flux.map((value) => 1e6 * value), note: "flux about zero taken as relative" };
  return { flux, note: "flux about zero taken as ppm" };
}

/** All parts in the order of their starts, without what overlaps an earlier one. */
function joinParts(parts: readonly Part[]): { readonly timeDays: Float64Array; readonly flux: Float64Array } {
  const ordered = [...parts].sort((a, b) => a.timeDays[0]! - b.timeDays[0]! || b.timeDays.at(-1)! - a.timeDays.at(-1)!);
  const times: number[] = [];
  const fluxes: number[] = [];
  for (const { timeDays, flux } of ordered) {
    const end = (times.at(-1) ?? -Infinity) + medianCadence(timeDays) / 2;
    timeDays.forEach((time, index) => {
      if (time <= end) return;
      times.push(time);
      fluxes.push(flux[index]!);
    });
  }
  return { timeDays: Float64Array.from(times), flux: Float64Array.from(fluxes) };
}

/** Moves what lies behind a long gap up to what lies before it; `closed` counts the gaps. */
function closeGaps({
  timeDays,
  flux,
}: Pick<Part, "timeDays" | "flux">): Pick<Part, "timeDays" | "flux"> & { closed: number } {
  const cadenceDays = medianCadence(timeDays);
  let closed = 0;
  let shift = 0;
  const moved = timeDays.map((time, index) => {
    const gap = index === 0 ? 0 : time - timeDays[index - 1]!;
    if (gap > CLOSED_GAP_DAYS) {
      closed++;
      shift += gap - cadenceDays;
    }
    return time - shift;
  });
  return { timeDays: moved, flux, closed };
}

function medianCadence(timeDays: Float64Array): number {
  return median(
    Float64Array.from({ length: Math.max(0, timeDays.length - 1) }, (_, i) => timeDays[i + 1]! - timeDays[i]!),
  );
}

/** The median of numbers of either sign. */
function medianOf(values: Float64Array): number {
  const least = values.reduce((a, b) => Math.min(a, b), 0);
  return median(values.map((value) => value - least)) + least;
}

function format(value: number): string {
  return String(Number(value.toPrecision(5)));
}
