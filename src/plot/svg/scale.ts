/** From values to pixels along one axis, with the ticks a reader expects. */

import type { Axis } from "../figure";

export interface Tick {
  readonly value: number;
  /** Empty for a minor tick. */
  readonly label: string;
}

export interface Scale {
  /** Undefined where a value has no place, such as 0 on a log axis. */
  readonly toPixel: (value: number) => number | undefined;
  readonly ticks: readonly Tick[];
}

/**
 * A scale over `range` that runs from pixel `start` to pixel `end`.
 *
 * @param range in values, also on a log axis
 * @param dtick the distance of a linear axis's ticks; without it, as many as there is room for
 */
export function createScale(
  type: Axis["type"],
  range: readonly [number, number],
  start: number,
  end: number,
  dtick?: number,
): Scale {
  const transform = type === "log" ? Math.log10 : (value: number): number => value;
  const [low, high] = [transform(range[0]), transform(range[1])];
  const perUnit = (end - start) / (high - low);
  const tickCount = Math.max(3, Math.round(Math.abs(end - start) / 62));
  return {
    toPixel: (value) => {
      const place = transform(value);
      return Number.isFinite(place) ? start + (place - low) * perUnit : undefined;
    },
    ticks: type === "log" ? logTicks(low, high, tickCount) : linearTicks(low, high, tickCount, dtick),
  };
}

/** 1, 2 or 5 times a power of ten, about `rough`. */
export function roundStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 5].find((factor) => factor * power >= rough * 0.7) ?? 10);
}

/** Multiples of 1, 2 or 5 times a power of ten, about `count` of them; or of `step`. */
export function linearTicks(low: number, high: number, count: number, step = roundStep((high - low) / count)): Tick[] {
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => {
    const value = (first + index) * step;
    return { value, label: formatNumber(value, decimals) };
  });
}

/** Powers of ten, thinned when there are many; 2 and 5 times them when there are few. */
function logTicks(lowPower: number, highPower: number, count: number): Tick[] {
  const every = Math.max(1, Math.ceil((highPower - lowPower) / count));
  const hasFew = highPower - lowPower < 2;
  const ticks: Tick[] = [];
  for (let power = Math.floor(lowPower); power <= Math.ceil(highPower); power++) {
    for (let factor = 1; factor < 10; factor++) {
      const value = factor * 10 ** power;
      const place = Math.log10(value);
      if (place < lowPower - 1e-9 || place > highPower + 1e-9) continue;
      const isLabelled = factor === 1 ? power % every === 0 : hasFew && (factor === 2 || factor === 5);
      ticks.push({ value, label: isLabelled ? formatNumber(value, Math.max(0, -power)) : "" });
    }
  }
  return ticks;
}

/** A tick's label: plain digits where they are short, a power of ten beyond. */
export function formatNumber(value: number, decimals: number): string {
  const size = Math.abs(value);
  if (value === 0 || (size >= 0.99e-4 && size < 1e6)) return value.toFixed(decimals).replace("-", "−");
  const power = Math.floor(Math.log10(size) + 1e-9);
  const factor = Number((value / 10 ** power).toPrecision(3));
  const digits = String(power).replace(/./g, (character) => SUPERSCRIPTS[character] ?? character);
  return `${factor === 1 ? "" : `${factor}×`.replace("-", "−")}10${digits}`;
}

const SUPERSCRIPTS: Readonly<Record<string, string>> = {
  "-": "⁻",
  "0": "⁰",
  "1": "¹",
  "2": "²",
  "3": "³",
  "4": "⁴",
  "5": "⁵",
  "6": "⁶",
  "7": "⁷",
  "8": "⁸",
  "9": "⁹",
};
