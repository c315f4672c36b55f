/** What a data set loses on the way in, in words. */

import type { LabelReport } from "./label-table";

/** A line for rows that were left out and why, and one for labels outside the class edges; none where nothing was lost. */
export function labelReportLines(report: LabelReport): string[] {
  const reasons: readonly (readonly [count: number, reason: string])[] = [
    [report.droppedByFilter, "by the filter"],
    [report.droppedMissing, "with missing labels"],
    [report.droppedOutOfRange, "with labels outside the class edges"],
    [report.droppedByCap, "beyond rows_per_shard"],
  ];
  const dropped = reasons.filter(([count]) => count > 0).map(([count, reason]) => `${count} ${reason}`);
  const counts = Object.entries(report.outOfRange).filter(([, count]) => count > 0);
  const outside = counts.map(([head, count]) => `${head} ${count}`);
  return [
    ...(dropped.length > 0 ? [`rows left out: ${dropped.join(", ")}`] : []),
    ...(outside.length > 0 ? [`labels outside the class edges: ${outside.join(", ")}`] : []),
  ];
}
