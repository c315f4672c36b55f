/** Rotation: frequency shifts of the components of a multiplet, and the share of power each shows. */

import type { Star } from "./star";

/**
 * The rotational shift of the component m of a mode, in µHz: two zones, first order, symmetric (Goupil+ 2013, A&A 549
 * A75; Deheuvels+ 2014, A&A 564 A27). Dipole modes sense core and envelope by ζ; degrees 2 and 3 sense the envelope and
 * its latitudinal shear a3.
 *
 * @param zeta of the mode's m = 0 component; 0 for modes that are not mixed.
 */
export function rotationalShift(
  star: Pick<Star, "acr" | "aer" | "a3">,
  degree: number,
  azimuthal: number,
  zeta: number,
): number {
  if (degree === 1) return azimuthal * (zeta * (star.acr / 2 - star.aer) + star.aer);
  if (degree === 0) return 0;
  return azimuthal * star.aer + star.a3 * star.aer * shearPolynomial(degree, azimuthal);
}

/**
 * P3(l, m) = [5m³ - (3l(l+1) - 1)m] / [(l-1)(2l-1)], l >= 2, normalised so that P3(l, l) = l (Ritzwoller & Lavely 1991,
 * ApJ 369 557; Schou+ 1994, ApJ 433 389).
 */
export function shearPolynomial(degree: number, azimuthal: number): number {
  const numerator = 5 * azimuthal ** 3 - (3 * degree * (degree + 1) - 1) * azimuthal;
  return numerator / ((degree - 1) * (2 * degree - 1));
}

/**
 * The share of a multiplet's power in each component |m| = 0 .. degree (degree <= 3) at an inclination in degrees;
 * share(0) + 2 Σ share(|m|) = 1 (Gizon & Solanki 2003, ApJ 589 1009).
 */
export function inclinationShares(degree: number, inclination: number): readonly number[] {
  const angle = (inclination * Math.PI) / 180;
  const cos2 = Math.cos(angle) ** 2;
  const sin2 = Math.sin(angle) ** 2;
  switch (degree) {
    case 0:
      return [1];
    case 1:
      return [cos2, sin2 / 2];
    case 2:
      return [(3 * cos2 - 1) ** 2 / 4, 1.5 * sin2 * cos2, (3 / 8) * sin2 ** 2];
    case 3:
      return [
        (cos2 * (5 * cos2 - 3) ** 2) / 4,
        (3 / 16) * sin2 * (5 * cos2 - 1) ** 2,
        (15 / 8) * cos2 * sin2 ** 2,
        (5 / 16) * sin2 ** 3,
      ];
    default:
      throw new RangeError(`Cannot share power among components of degree ${degree}: expected 0 to 3`);
  }
}
