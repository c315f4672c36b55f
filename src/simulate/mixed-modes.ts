/**
 * Mixed dipole modes: every root of tan θ_p = q tan θ_g (Shibahashi 1979; Mosser+ 2015, A&A 584 A50) with
 *
 *     θ_p(ν) = π n_p(ν)                       n_p: continuous radial order of the l = 1 ridge
 *     θ_g(ν) = π [ 1e6 / (ν ΔΠ) - ε_g ]
 *
 * Unwrapping the right-hand side with A(x) = π round(x/π) + atan(q tan(x - π round(x/π))) gives
 * Φ(ν) = n_p(ν) - A(θ_g(ν))/π, which grows strictly; the roots are exactly where Φ is an integer. So there is one root
 * for each integer in the range of Φ, known in number before any is found.
 */

import { localSeparation, type PressureModeConstants, pressureModeOrder } from "./pressure-modes";

export interface GravityModeConstants {
  /** ΔΠ1, s. */
  readonly periodSpacing: number;
  /** ε_g. */
  readonly epsilon: number;
  /** The coupling factor, 0 < q <= 1. */
  readonly coupling: number;
}

/** Mixed modes by rising frequency: arrays of equal length. */
export interface MixedModes {
  /** µHz. */
  readonly frequencies: Float64Array;
  /** ζ: 0 for a pure p mode, 1 for a pure g mode. */
  readonly zetas: Float64Array;
  /** Φ of the first mode; the next ones follow by steps of 1. Φ = n_p - n_g. */
  readonly firstOrder: number;
}

const RELATIVE_TOLERANCE = 1e-13;
const MAX_STEPS = 200;

/** All mixed modes with `low` <= ν <= `high` (µHz, 0 < low). */
export function solveMixedModes(
  pressure: PressureModeConstants,
  gravity: GravityModeConstants,
  low: number,
  high: number,
): MixedModes {
  const firstOrder = Math.ceil(mixedModePhase(pressure, gravity, low));
  const lastOrder = high > low ? Math.floor(mixedModePhase(pressure, gravity, high)) : firstOrder - 1;
  const count = Math.max(0, lastOrder - firstOrder + 1);
  const frequencies = new Float64Array(count);
  const zetas = new Float64Array(count);
  const evaluation = { residual: 0, zeta: 0 };
  let previous = low;
  for (let index = 0; index < count; index++) {
    const order = firstOrder + index;
    // Neighbours are at most ΔΠ apart in period, so the next root lies below this frequency.
    const shortestPeriod = 1e6 / previous - gravity.periodSpacing;
    let below = previous;
    let above = shortestPeriod > 0 ? Math.min(high, 1e6 / shortestPeriod) : high;
    let frequency = previous;
    let change = Infinity;
    for (let step = 0; step < MAX_STEPS; step++) {
      evaluate(pressure, gravity, order, frequency, evaluation);
      if (evaluation.residual > 0) below = frequency;
      else above = frequency;
      // Newton's step in period: dG/dP = π / (ΔΠ ζ), since ζ is the ratio of local and asymptotic period spacing.
      const period = 1e6 / frequency - (evaluation.residual / Math.PI) * evaluation.zeta * gravity.periodSpacing;
      let next = period > 0 ? 1e6 / period : above;
      if (Math.abs(next - frequency) <= RELATIVE_TOLERANCE * frequency) break;
      // Halving takes over when a step leaves the bracket or steps stop shrinking (they can swing about a p mode).
      if (!(next > below && next < above && Math.abs(next - frequency) < change / 2)) next = (below + above) / 2;
      if (next === frequency) break; // the bracket is down to neighbouring floating-point numbers
      change = step === 0 ? Infinity : Math.abs(next - frequency);
      frequency = next;
    }
    frequencies[index] = frequency;
    zetas[index] = evaluation.zeta;
    previous = frequency;
  }
  return { frequencies, zetas, firstOrder };
}

/** Φ(ν): an integer exactly at mixed modes, growing strictly with frequency. */
export function mixedModePhase(
  pressure: PressureModeConstants,
  gravity: GravityModeConstants,
  frequency: number,
): number {
  const gravityPhase = 1e6 / (frequency * gravity.periodSpacing) - gravity.epsilon; // θ_g/π
  const turns = Math.round(gravityPhase);
  const fraction = Math.atan(gravity.coupling * Math.tan(Math.PI * (gravityPhase - turns))) / Math.PI;
  return pressureModeOrder(pressure, frequency, 1) - (turns + fraction);
}

/**
 * The mixing function ζ in the form that is smooth between the modes too (Mosser+ 2018, A&A 618 A109):
 * ζ = 1 / [ 1 + (q/N) / (q² cos²θ_p + sin²θ_p) ], N = Δν_local / (ν² ΔΠ) the number of g modes per p order.
 */
export function mixingFunction(
  pressure: PressureModeConstants,
  gravity: GravityModeConstants,
  frequency: number,
): number {
  const evaluation = { residual: 0, zeta: 0 };
  evaluate(pressure, gravity, 0, frequency, evaluation);
  return evaluation.zeta;
}

/**
 * The residual G(ν) = θ_g(ν) - A⁻¹(π(n_p(ν) - order)), falling strictly with ν and 0 at the mode, and ζ. The inverse of
 * A is used because it is gentle where Φ is a staircase: Newton's method then needs two or three steps.
 */
function evaluate(
  pressure: PressureModeConstants,
  gravity: GravityModeConstants,
  order: number,
  frequency: number,
  result: { residual: number; zeta: number },
): void {
  const { periodSpacing, epsilon, coupling } = gravity;
  const gravityOrders = 1e6 / (frequency * periodSpacing); // also N Δν_local / ν
  const pressureOrder = pressureModeOrder(pressure, frequency, 1);
  const turns = Math.round(pressureOrder);
  const tangent = Math.tan(Math.PI * (pressureOrder - turns)); // tan θ_p
  const inverse = Math.PI * (turns - order) + Math.atan(tangent / coupling);
  result.residual = Math.PI * (gravityOrders - epsilon) - inverse;
  const squared = tangent * tangent;
  const slope = (coupling * (1 + squared)) / (coupling * coupling + squared); // dA⁻¹/dθ_p
  const density = (localSeparation(pressure, pressureOrder) * gravityOrders) / frequency; // N
  result.zeta = 1 / (1 + slope / density);
}
