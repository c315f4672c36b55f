/** What `asterolab bench` prints about training, inference and the kernel. */

import type { KernelBench } from "../bench/kernel";
import type { NetworkBench, Side } from "../bench/network";
import type { Summary } from "../bench/statistics";
import type { SweepBench } from "../bench/sweep";

/** Both sides, their ratio, the machine, and each op against what the machine can do. */
export function networkTable(result: NetworkBench): string {
  const { what, batch, points, parameters, ours, peer, ratio, cpu_ratio, machine, yardsticks, ops } = result;
  const lines = [`${what}: batch ${batch}, ${points} points, ${parameters} parameters`, sideLine(ours)];
  if (peer) lines.push(sideLine(peer));
  if (ratio !== null && cpu_ratio !== null) {
    lines.push(`ratio ${ratio.toFixed(2)}; by processor time ${cpu_ratio.toFixed(2)}`);
  }
  lines.push(`${machine.cpu}, ${machine.cores} cores, load ${machine.load_average.toFixed(1)}`);
  if (!yardsticks) return `${lines.join("\n")}\n`;
  const { product_gflops, stream_gb_per_s } = yardsticks;
  lines.push(`a large product ${product_gflops.toFixed(0)} GFLOP/s, memory ${stream_gb_per_s.toFixed(1)} GB/s`, "");
  lines.push(`${"op".padEnd(36)} calls       ms  of step  GFLOP/s  nominal     GB/s  of product  of memory`);
  for (const row of ops) {
    lines.push(
      row.op.padEnd(36) +
        [
          fixed(row.calls_per_step, 0, 6),
          fixed(row.ms_per_step.median, 1, 9),
          percent(row.share, 9),
          fixed(row.gflops, 1, 9),
          fixed(row.nominal_gflops, 1, 9),
          fixed(row.gb_per_s, 1, 9),
          percent(row.share_of_product_rate!, 12),
          percent(row.share_of_bandwidth!, 11),
        ].join(""),
    );
  }
  lines.push(`outside native ops ${percent(result.share_outside_ops, 0)}`);
  return `${lines.join("\n")}\n`;
}

/** One line per value. */
export function sweepTable({ sweep, points }: SweepBench): string {
  const isCompared = points.some(({ peer }) => peer !== null);
  const head = `${sweep.padStart(8)}  samples/s  ms a step  CPU ms a step    MB${isCompared ? "  ratio" : ""}`;
  const rows = points.map(({ value, ours, ratio }) =>
    [
      String(value).padStart(8),
      fixed(ours.samples_per_s, 1, 11),
      fixed(1000 * ours.seconds_per_step.median, 1, 11),
      fixed(1000 * ours.cpu_seconds_per_step.median, 1, 15),
      fixed(ours.peak_rss_mb, 0, 6),
      ratio === null ? "" : fixed(ratio, 2, 7),
    ].join(""),
  );
  return `${[head, ...rows].join("\n")}\n`;
}

/** One line per measurement: its median, and the least and the most. */
export function kernelTable({
  ready_s,
  first_cell_s,
  trivial_cell_ms,
  import_s,
  cell_after_import_ms,
  notebook,
  output,
}: KernelBench): string {
  const rows: readonly (readonly [string, Summary, string])[] = [
    ["kernel ready", ready_s, "s"],
    ["first trivial cell done", first_cell_s, "s"],
    ["trivial cell", trivial_cell_ms, "ms"],
    ["import of the package", import_s, "s"],
    ["trivial cell after that", cell_after_import_ms, "ms"],
    [`notebook of ${notebook.cells} trivial cells`, notebook.seconds, "s"],
    [`${output.megabytes} MB printed by one cell`, output.seconds, "s"],
  ];
  const lines = rows.map(
    ([label, { median, minimum, maximum }, unit]) =>
      `${label.padEnd(32)}${fixed(median, 2, 8)} ${unit.padEnd(2)}  (${minimum.toFixed(2)} to ${maximum.toFixed(2)})`,
  );
  return `${lines.join("\n")}\n`;
}

function sideLine({ name, batch, samples_per_s, seconds_per_step, cpu_seconds_per_step, peak_rss_mb }: Side): string {
  const { median, minimum, maximum } = seconds_per_step;
  return (
    `${fixed(samples_per_s, 1, 8)} samples/s  ${ms(median)} ms a step (${ms(minimum)} to ${ms(maximum)}), ` +
    `${ms(cpu_seconds_per_step.median)} ms of processor time  ${peak_rss_mb} MB  batch ${batch}  ${name}`
  );
}

function ms(seconds: number): string {
  return (1000 * seconds).toFixed(0);
}

function fixed(value: number, decimals: number, width: number): string {
  return value.toFixed(decimals).padStart(width);
}

function percent(share: number, width: number): string {
  return `${(100 * share).toFixed(1)} %`.padStart(width);
}
