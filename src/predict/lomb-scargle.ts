/**
 * The Lomb-Scargle periodogram of a series with gaps, at all multiples of a frequency step, by Fourier transforms.
 *
 * Legend: N samples, K frequencies, G grid points of the transform.
 */

import FFT from "fft.js";

/**
 * The periodogram of Lomb (1976, ApSS 39, 447) and Scargle (1982, ApJ 263, 835): half the reduction of the sum of squares
 * by the best-fitting sinusoid. White noise of variance s² has the mean s², a sinusoid of amplitude A the height N A²/4.
 *
 * The trigonometric sums come from non-uniform transforms instead of the extirpolation of Press & Rybicki (1989, ApJ 338,
 * 277): as fast, and exact to about 1e-11 of the sum of |values|.
 *
 * @param times [N] in any unit, in any order
 * @param values [N] of mean zero
 * @param step of frequency in cycles per unit of time
 * @returns [K] the powers at step, 2 step, ... K step, in the square of the values' unit
 */
export function lombScargle(times: Float64Array, values: Float64Array, step: number, count: number): Float64Array {
  const samples = times.length;
  const origin = times[0] ?? 0;
  const phases = times.map((time) => 2 * Math.PI * fraction((time - origin) * step));
  const doubled = phases.map((phase) => (2 * phase) % (2 * Math.PI));
  const data = trigonometricSums(phases, values, count);
  const window = trigonometricSums(doubled, null, count);
  const power = new Float64Array(count);
  for (let k = 0; k < count; k++) {
    // The time shift τ that makes sine and cosine orthogonal: tan 2ωτ = Σ sin 2ωt / Σ cos 2ωt.
    const length = Math.hypot(window.cosines[k]!, window.sines[k]!);
    const cosDouble = length > 0 ? window.cosines[k]! / length : 1;
    const cos = Math.sqrt(Math.max(0, (1 + cosDouble) / 2));
    const sin = Math.sign(window.sines[k]!) * Math.sqrt(Math.max(0, (1 - cosDouble) / 2));
    const alongCos = data.cosines[k]! * cos + data.sines[k]! * sin;
    const alongSin = data.sines[k]! * cos - data.cosines[k]! * sin;
    const cosSquares = (samples + length) / 2;
    const sinSquares = (samples - length) / 2;
    // Where every sample lies at a zero of the sine, as at the Nyquist frequency of an even series, it takes nothing away.
    const sinPart = sinSquares > 1e-9 * samples ? alongSin ** 2 / sinSquares : 0;
    power[k] = (alongCos ** 2 / cosSquares + sinPart) / 2;
  }
  return power;
}

/** Grid points to each side that a sample is spread over: an error near 1e-12 (Greengard & Lee, below, table 1). */
const SPREAD = 12;

/** The grid is at least so many times finer than the highest frequency needs. */
const OVERSAMPLING = 2;

/**
 * Σ v cos kx and Σ v sin kx for k = 1 ... count, by spreading the samples as Gaussians on an even grid, one Fourier
 * transform, and division by the Gaussian's transform (Greengard & Lee 2004, SIAM Review 46, 443, eqs. 4-9).
 *
 * @param phases [N] x in [0, 2π)
 * @param values [N] v; null: all 1
 */
function trigonometricSums(
  phases: Float64Array,
  values: Float64Array | null,
  count: number,
): { readonly cosines: Float64Array; readonly sines: Float64Array } {
  const modes = 2 * count + 1; // -count ... count
  const size = 2 ** Math.ceil(Math.log2(Math.max(OVERSAMPLING * modes, 4 * SPREAD))); // G
  const ratio = size / modes;
  const variance = (Math.PI * SPREAD) / (modes * modes * ratio * (ratio - 0.5)); // τ
  const spacing = (2 * Math.PI) / size;
  const grid = new Float64Array(2 * size); // real and imaginary parts in turn
  for (let sample = 0; sample < phases.length; sample++) {
    const nearest = Math.floor(phases[sample]! / spacing);
    const offset = phases[sample]! - nearest * spacing;
    const value = values === null ? 1 : values[sample]!;
    for (let shift = 1 - SPREAD; shift <= SPREAD; shift++) {
      const distance = offset - shift * spacing;
      const point = (nearest + shift + size) & (size - 1);
      grid[2 * point]! += value * Math.exp((-distance * distance) / (4 * variance));
    }
  }
  const transformed = new Float64Array(2 * size);
  new FFT(size).transform(transformed, grid);
  const cosines = new Float64Array(count);
  const sines = new Float64Array(count);
  const scale = Math.sqrt(Math.PI / variance) / size;
  for (let k = 1; k <= count; k++) {
    const factor = scale * Math.exp(variance * k * k);
    cosines[k - 1] = factor * transformed[2 * k]!;
    sines[k - 1] = -factor * transformed[2 * k + 1]!;
  }
  return { cosines, sines };
}

function fraction(value: number): number {
  return value - Math.floor(value);
}
