/** Evenly spaced values, element for element what NumPy's `arange` and `linspace` give in float64. */

/** `ceil((stop - start) / step)` values `start + i * delta`, where delta is `(start + step) - start`. */
export function arange(start: number, stop: number, step: number): Float64Array {
  const count = Math.max(0, Math.ceil((stop - start) / step));
  const delta = start + step - start;
  return Float64Array.from({ length: count }, (_, index) => start + index * delta);
}

/** `count` values from `start` to `stop`, both included; the last is exactly `stop`. */
export function linspace(start: number, stop: number, count: number): Float64Array {
  const step = (stop - start) / (count - 1);
  const values = Float64Array.from({ length: count }, (_, index) => index * step + start);
  if (count > 1) values[count - 1] = stop;
  return values;
}
