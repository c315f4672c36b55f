/** From a star to its list of modes: frequency, degree, azimuthal order, height, width and mixing of every component. */

import { attenuation, background } from "./background";
import { type MixedModes, solveMixedModes } from "./mixed-modes";
import {
  type PressureModeConstants,
  pressureModeConstants,
  pressureModeFrequency,
  pressureModeOrder,
} from "./pressure-modes";
import { inclinationShares, rotationalShift } from "./rotation";
import type { Star } from "./star";

/** One component of a multiplet: a Lorentzian peak. */
export interface Mode {
  readonly degree: number;
  /** The radial order; for dipole modes the mixed-mode order n_p - n_g. */
  readonly order: number;
  /** m, from -degree to degree. */
  readonly azimuthal: number;
  readonly frequencyUHz: number;
  /** As observed, ppm²/µHz: the share of this component is included, so is the attenuation. */
  readonly height: number;
  /** Full width at half maximum, µHz. */
  readonly widthUHz: number;
  /** ζ: 0 for pressure modes, towards 1 for gravity-dominated dipole modes. */
  readonly zeta: number;
}

/** The part of the frequency axis that is simulated. */
export interface Band {
  readonly lowUHz: number;
  readonly highUHz: number;
  readonly nyquistUHz: number;
}

/** Where the scatter of heights and widths is drawn from: uniform in (0, 1). */
export interface UniformSource {
  uniform(): number;
}

/** Modes are listed within this many dnu of numax: 4 or more standard deviations of the envelope. */
const REACH = 8;

/** Widths stop growing this many dnu above numax, where the modes are too low to show. */
const WIDTH_REACH = 4;

const NO_SCATTER: UniformSource = { uniform: () => 0.5 };

/**
 * The modes of a star within 8 dnu of numax and within the band, multiplet by multiplet.
 *
 * - Radial modes follow the Gaussian envelope, scaled so that the tallest observed height-to-background ratio is
 *   exactly `snr`.
 * - Degrees 2 and 3 have V_l times the envelope's height. A mixed mode has V_1 times it, whatever its ζ, and 1 - ζ times
 *   the width: equipartition gives its power (∝ height * width) a factor 1 - ζ (Benomar+ 2014, ApJ 781 L29; Mosser+
 *   2018, A&A 618 A109).
 *
 * @param random scatters heights and widths; without it every mode has its expected height and width.
 * @throws {RangeError} when no radial mode lies in the band.
 */
export function listModes(star: Star, band: Band, random: UniformSource = NO_SCATTER): Mode[] {
  const low = Math.max(band.lowUHz, star.numax - REACH * star.dnu);
  const high = Math.min(band.highUHz, star.numax + REACH * star.dnu);
  const constants = pressureModeConstants(star);
  const envelope = relativeEnvelope(star, band);
  const scatter = (percent: number): number => 1 + (percent / 100) * (2 * random.uniform() - 1);
  const modes: Mode[] = [];

  const addMultiplet = (degree: number, order: number, frequency: number, zeta: number, height: number): void => {
    const widthUHz = radialWidth(star, frequency) * (1 - zeta) * scatter(star.widthSpreadPercent);
    const shares = sharesOf[degree]!;
    for (let azimuthal = -degree; azimuthal <= degree; azimuthal++) {
      modes.push({
        degree,
        order,
        azimuthal,
        frequencyUHz: frequency + rotationalShift(star, degree, azimuthal, zeta),
        height: height * shares[Math.abs(azimuthal)]!,
        widthUHz,
        zeta,
      });
    }
  };
  const sharesOf = [0, 1, 2, 3].map((degree) => inclinationShares(degree, star.inc));

  const radial = ridge(constants, 0, low, high).map(({ order, frequency }) => {
    const height = envelope(frequency) * scatter(star.heightSpreadPercent);
    return { order, frequency, height, ratio: height / background(star, frequency, band.nyquistUHz) };
  });
  if (radial.length === 0) {
    throw new RangeError(
      `Cannot simulate a star with numax = ${star.numax} and dnu = ${star.dnu}: expected a radial mode between ` +
        `${band.lowUHz.toFixed(2)} and ${band.highUHz.toFixed(2)} µHz`,
    );
  }
  const scale = star.snr / Math.max(...radial.map(({ ratio }) => ratio));
  for (const { order, frequency, height } of radial) addMultiplet(0, order, frequency, 0, scale * height);

  for (const { order, frequency, zeta } of dipoles(star, constants, low, high)) {
    const height = scale * star.vl1 * envelope(frequency) * scatter(star.heightSpreadPercent);
    addMultiplet(1, order, frequency, zeta, height);
  }
  for (const [degree, visibility] of [
    [2, star.vl2],
    [3, star.vl3],
  ] as const) {
    for (const { order, frequency } of ridge(constants, degree, low, high)) {
      const height = scale * visibility * envelope(frequency) * scatter(star.heightSpreadPercent);
      addMultiplet(degree, order, frequency, 0, height);
    }
  }
  return modes;
}

/**
 * The width of radial modes, µHz: `gamma` at numax, rising by `widthRise` per dnu above it and a quarter of that below
 * (the widths of Kepler giants are nearly flat below numax; Vrard+ 2018, A&A 616 A94).
 */
export function radialWidth(star: Star, frequency: number): number {
  const distance = Math.min(WIDTH_REACH, (frequency - star.numax) / star.dnu);
  return star.gamma * Math.exp(star.widthRise * (distance > 0 ? distance : distance / 4));
}

/** The envelope of observed heights, without the factor that makes it ppm²/µHz. */
function relativeEnvelope(star: Star, band: Band): (frequency: number) => number {
  const sigma = star.envelopeWidthUHz / (2 * Math.sqrt(2 * Math.LN2));
  return (frequency) => {
    const x = (frequency - star.numax) / sigma;
    return attenuation(frequency, band.nyquistUHz) * Math.exp(-0.5 * x * x);
  };
}

/** The pressure modes of one degree between two frequencies, n >= 1. */
function ridge(
  constants: PressureModeConstants,
  degree: number,
  low: number,
  high: number,
): { order: number; frequency: number }[] {
  const lowest = pressureModeOrder(constants, low, degree);
  const first = Math.max(1, Math.ceil(lowest));
  const last = Math.floor(pressureModeOrder(constants, high, degree));
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => ({
    order: first + index,
    frequency: pressureModeFrequency(constants, first + index, degree),
  }));
}

function* dipoles(
  star: Star,
  constants: PressureModeConstants,
  low: number,
  high: number,
): Generator<{ order: number; frequency: number; zeta: number }> {
  const gravity = { periodSpacing: star.dp, epsilon: star.epg, coupling: star.q };
  const mixed: MixedModes = solveMixedModes(constants, gravity, low, high);
  for (let index = 0; index < mixed.frequencies.length; index++) {
    const order = mixed.firstOrder + index;
    yield { order, frequency: mixed.frequencies[index]!, zeta: mixed.zetas[index]! };
  }
}
