/** What all ranks gave, folded: ranks that gave the same are one group, and the one that was shown live is not repeated. */

import type { CellOutcome, DisplayContent } from "./channel";
import { namedRanks } from "./rank-directive";
import type { RankOutput, RankRecord } from "./rank-record";

/** The content is {RankBundle}; readers that do not know the type show the text beside it. */
export const RANKS_MIME = "application/vnd.asterolab.ranks+json";

export interface RankBundle {
  readonly version: 1;
  /** Number of ranks of the world. */
  readonly size: number;
  /** The rank whose output stands in the cell itself. */
  readonly shown: number;
  readonly groups: readonly RankGroup[];
}

/** Ranks that gave the same, in the order of their first. */
export interface RankGroup {
  readonly ranks: readonly number[];
  readonly status: "ok" | "error" | "interrupted";
  /** Absent for the group of the rank that is shown. */
  readonly outputs?: readonly RankOutput[];
}

export interface RankEnd {
  readonly rank: number;
  readonly record: RankRecord;
  readonly outcome: CellOutcome;
}

/**
 * The bundle of a cell; empties the records.
 *
 * @param ends of the ranks that ran the cell, in their order; the first is the one that was shown
 * @returns nothing when no rank gave anything
 */
export function foldRanks(ends: readonly RankEnd[], size: number): DisplayContent | undefined {
  const isSilent = ends.every(({ record }) => record.isEmpty);
  const byPrint = new Map<string, RankEnd[]>();
  for (const end of ends) {
    const print = `${statusOf(end.outcome)} ${end.record.fingerprint()}`;
    byPrint.set(print, [...(byPrint.get(print) ?? []), end]);
  }
  const shown = ends[0]!.rank;
  const groups = [...byPrint.values()].map((members): RankGroup => {
    const taken = members.map(({ record }) => record.take());
    const ranks = members.map(({ rank }) => rank);
    const status = statusOf(members[0]!.outcome);
    return ranks.includes(shown) ? { ranks, status } : { ranks, status, outputs: taken[0]! };
  });
  if (isSilent || ends.length === 1) return undefined;
  const bundle: RankBundle = { version: 1, size, shown, groups };
  return { data: { [RANKS_MIME]: bundle, "text/plain": describe(bundle) }, metadata: {} };
}

/** In words, for readers without an own view of the type. */
function describe({ shown, groups }: RankBundle): string {
  return groups
    .flatMap(({ ranks, outputs }) => {
      if (outputs !== undefined) return [`${namedRanks(ranks)}:`, ...textOf(outputs)];
      const others = ranks.filter((rank) => rank !== shown);
      return others.length > 0 ? [`${namedRanks(others)}: the same as rank ${shown}`] : [];
    })
    .join("\n");
}

function textOf(outputs: readonly RankOutput[]): string[] {
  if (outputs.length === 0) return ["    (nothing)"];
  return outputs.flatMap((output) => {
    const text = output.output_type === "stream" ? output.text : String(output.data["text/plain"] ?? "(a display)");
    return text
      .replace(/\n$/, "")
      .split("\n")
      .map((line) => `    ${line}`);
  });
}

function statusOf(outcome: CellOutcome): RankGroup["status"] {
  if (outcome.status === "ok") return "ok";
  return outcome.error.ename === "KeyboardInterrupt" ? "interrupted" : "error";
}
