/** The cost of a step against batch size, spectrum length, network width or threads: one measurement per value. */

import type { Config } from "../config";
import { benchNetwork, type NetworkBench, type NetworkBenchOptions } from "./network";

export const SWEEPS = ["batch", "length", "width", "threads"] as const;
/** What a sweep varies. */
export type Sweep = (typeof SWEEPS)[number];

/** The measurement at one value. */
export interface SweepPoint extends NetworkBench {
  /** Of what is varied. */
  readonly value: number;
}

/** One measurement for each value of what is varied. */
export interface SweepBench {
  readonly sweep: Sweep;
  readonly points: readonly SweepPoint[];
}

/** Widths relative to the preset's. */
const WIDTHS = [0.25, 0.5, 1];

/** Measures a network for each of `sweepValues`, everything else as in `options`. */
export async function benchSweep(
  sweep: Sweep,
  options: NetworkBenchOptions & { readonly onValue?: (value: number, index: number) => void },
): Promise<SweepBench> {
  const points: SweepPoint[] = [];
  for (const [index, value] of sweepValues(sweep, options).entries()) {
    points.push({ value, ...(await benchNetwork(varied(sweep, value, options))) });
    options.onValue?.(value, index);
  }
  return { sweep, points };
}

/** Up to what the options say: halvings of batch, length and threads; quarter, half and full width. */
export function sweepValues(
  sweep: Sweep,
  { batchSize, points, threads }: Pick<NetworkBenchOptions, "batchSize" | "points" | "threads">,
): number[] {
  if (sweep === "width") return WIDTHS;
  const largest = { batch: batchSize, length: points, threads }[sweep];
  const most = sweep === "length" ? 5 : Number.POSITIVE_INFINITY;
  const values: number[] = [];
  for (let value = largest; value >= 1 && values.length < most; value = Math.floor(value / 2)) values.unshift(value);
  return values;
}

/** The options with one of them replaced. */
function varied(sweep: Sweep, value: number, options: NetworkBenchOptions): NetworkBenchOptions {
  if (sweep === "batch") return { ...options, batchSize: value };
  if (sweep === "length") return { ...options, points: value };
  if (sweep === "threads") return { ...options, threads: value };
  return { ...options, config: widened(options.config, value) };
}

/** The network with every layer `width` times as wide, rounded, at least one unit. */
export function widened(config: Config, width: number): Config {
  const scaled = (units: number): number => Math.max(1, Math.round(units * width));
  return {
    ...config,
    filters: config.filters.map(scaled),
    lstm_units: config.lstm_units.map(scaled),
    dense_units: scaled(config.dense_units),
  };
}
