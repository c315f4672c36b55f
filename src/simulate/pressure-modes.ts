/**
 * Pressure modes: the asymptotic relation with curvature (Tassoul 1980, ApJS 43 469; Mosser+ 2013, A&A 550 A126)
 *
 *     ν(n, l) = Δν [ n + ε + l/2 + d_l + (α/2)(n - n_max)² ]
 *
 * and its inverse, the continuous radial order at a frequency.
 */

/** The constants of the relation; frequencies in µHz. */
export interface PressureModeConstants {
  readonly dnu: number;
  /** ε_p. */
  readonly epsilon: number;
  /** α. */
  readonly curvature: number;
  /** n_max. */
  readonly orderAtNumax: number;
  /** d_l for l = 0, 1, 2, 3, in units of dnu. */
  readonly shifts: readonly number[];
}

/** The constants of a star: d_l = -l(l+1)D/100, α = β/n_max. */
export function pressureModeConstants(star: {
  readonly dnu: number;
  readonly epp: number;
  readonly numax: number;
  readonly deltaPercent: number;
  readonly beta: number;
}): PressureModeConstants {
  const orderAtNumax = star.numax / star.dnu - star.epp;
  return {
    dnu: star.dnu,
    epsilon: star.epp,
    curvature: star.beta / orderAtNumax,
    orderAtNumax,
    shifts: [0, 1, 2, 3].map((degree) => (-degree * (degree + 1) * star.deltaPercent) / 100),
  };
}

/** The frequency of the mode of radial order `order` (it may be fractional) and degree `degree`, in µHz. */
export function pressureModeFrequency(constants: PressureModeConstants, order: number, degree: number): number {
  const { dnu, epsilon, curvature, orderAtNumax, shifts } = constants;
  const distance = order - orderAtNumax;
  return dnu * (order + epsilon + degree / 2 + shifts[degree]! + (curvature / 2) * distance * distance);
}

/**
 * The continuous radial order n at which the ridge of `degree` passes `frequency`: the inverse of
 * `pressureModeFrequency`, an integer at each mode. NaN below the ridge's turning point (α > 0).
 */
export function pressureModeOrder(constants: PressureModeConstants, frequency: number, degree: number): number {
  const { dnu, epsilon, curvature, orderAtNumax, shifts } = constants;
  const linear = frequency / dnu - epsilon - degree / 2 - shifts[degree]! - orderAtNumax;
  // The root of m + (α/2)m² = linear in the form that stays exact as α goes to 0.
  return orderAtNumax + (2 * linear) / (1 + Math.sqrt(1 + 2 * curvature * linear));
}

/** The local large separation dν/dn at a continuous radial order, µHz. */
export function localSeparation(constants: PressureModeConstants, order: number): number {
  return constants.dnu * (1 + constants.curvature * (order - constants.orderAtNumax));
}
