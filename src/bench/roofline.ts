/**
 * Where a step's time goes, op by op, against what the machine can do: S. Williams, A. Waterman and D. Patterson,
 * "Roofline: an insightful visual performance model", CACM 52 (2009). An op that does F operations on B bytes can run at
 * no more than min(product rate, F / B * memory bandwidth).
 */

import type { OpStatistics } from "../engine/native/profile";
import { type Summary, summarize } from "./statistics";
import type { Yardsticks } from "./yardsticks";

/** What an op did in each step; costs are those of src/engine/native/cost.ts. Rates are by its median time. */
export interface OpRow {
  readonly op: string;
  readonly calls_per_step: number;
  readonly ms_per_step: Summary;
  /** Of the time of all steps. */
  readonly share: number;
  /** Operations executed. */
  readonly gflop_per_step: number;
  /** Operations of the plain sums that define the op: more where it works in the frequency domain. */
  readonly nominal_gflop_per_step: number;
  readonly gflops: number;
  readonly nominal_gflops: number;
  /** Traffic that no cache can save. */
  readonly mb_per_step: number;
  readonly gb_per_s: number;
  /** Executed operations per byte. */
  readonly intensity: number;
  /** Of the yardsticks; null where they were not measured. */
  readonly share_of_product_rate: number | null;
  readonly share_of_bandwidth: number | null;
  /** Of the roof over this op's intensity. */
  readonly share_of_roof: number | null;
}

/**
 * One row per op, the most expensive first.
 *
 * @param steps what each op did in each step
 * @param stepSeconds of the same steps
 */
export function rooflineOf(
  steps: readonly ReadonlyMap<string, OpStatistics>[],
  stepSeconds: readonly number[],
  yardsticks: Yardsticks | null,
): OpRow[] {
  const total = stepSeconds.reduce((sum, seconds) => sum + seconds, 0);
  const names = new Set(steps.flatMap((step) => [...step.keys()]));
  return [...names]
    .map((op) =>
      row(op, steps.map((step) => step.get(op)).filter(isPresent), { total, count: steps.length, yardsticks }),
    )
    .sort((a, b) => b.share - a.share);
}

/** The most operations per second that an op of this intensity can do. */
export function roof(intensity: number, { product_gflops, stream_gb_per_s }: Yardsticks): number {
  return Math.min(product_gflops, intensity * stream_gb_per_s);
}

function row(
  op: string,
  steps: readonly OpStatistics[],
  { total, count, yardsticks }: { total: number; count: number; yardsticks: Yardsticks | null },
): OpRow {
  const sum = (field: keyof OpStatistics): number => steps.reduce((all, step) => all + step[field], 0);
  const time = summarize(steps.map(({ seconds }) => seconds * 1000));
  const perSecond = 1000 / time.median;
  const [gflop, nominal, gigabytes] = [sum("flop"), sum("nominalFlop"), sum("bytes")].map((all) => all / count / 1e9);
  const intensity = gflop! / gigabytes!;
  const [gflops, rate] = [gflop! * perSecond, gigabytes! * perSecond];
  return {
    op,
    calls_per_step: sum("calls") / count,
    ms_per_step: time,
    share: sum("seconds") / total,
    gflop_per_step: gflop!,
    nominal_gflop_per_step: nominal!,
    gflops,
    nominal_gflops: nominal! * perSecond,
    mb_per_step: gigabytes! * 1000,
    gb_per_s: rate,
    intensity,
    share_of_product_rate: yardsticks && gflops / yardsticks.product_gflops,
    share_of_bandwidth: yardsticks && rate / yardsticks.stream_gb_per_s,
    share_of_roof: yardsticks && gflops / roof(intensity, yardsticks),
  };
}

function isPresent<Value>(value: Value | undefined): value is Value {
  return value !== undefined;
}
