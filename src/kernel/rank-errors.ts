/** The errors of several ranks as one. */

import type { CellOutcome, CollectiveState, ThrownError } from "./channel";
import { namedRanks } from "./rank-directive";

export interface RankOutcome {
  readonly rank: number;
  readonly outcome: CellOutcome;
  readonly collectives: CollectiveState;
  /** It was stopped because another rank had failed. */
  readonly wasStopped: boolean;
}

/** Different errors shown in full; the others are counted. */
const MAX_SHOWN = 4;

/**
 * What a cell that failed on some rank ends with: the one error that all share, or a summary that names the first.
 *
 * @param advice what has become of the ranks
 */
export function summarizeErrors(outcomes: readonly RankOutcome[], advice: string): ThrownError {
  const failed = outcomes.flatMap(({ rank, outcome, wasStopped }) =>
    outcome.status === "error" ? [{ rank, error: outcome.error, wasStopped }] : [],
  );
  const causes = failed.filter(({ wasStopped }) => !wasStopped);
  const failures = causes.length > 0 ? causes : failed;
  const groups = new Map<string, { error: ThrownError; ranks: number[] }>();
  for (const { rank, error } of failures) {
    const key = `${error.ename} ${error.evalue}`;
    const group = groups.get(key) ?? { error, ranks: [] };
    group.ranks.push(rank);
    groups.set(key, group);
  }
  const [first, ...others] = [...groups.values()];
  if (first === undefined) throw new Error("Cannot summarize errors: no rank has failed");
  const isShared = others.length === 0 && first.ranks.length === outcomes.length;
  const { ename, evalue, stack } = first.error;
  const stopped = describeStopped(outcomes).map((heading) => ({ heading }));
  if (isShared) {
    const heading = `[on ${namedRanks(first.ranks)}; ${advice}]`;
    return { ename, evalue, stack, parts: [{ heading }, { stack }, ...stopped] };
  }
  const named = [first, ...others].map(({ ranks }) => namedRanks(ranks)).join(", ");
  const summary = `${failures.length} of ${outcomes.length} ranks failed (${named}): ${ename}: ${evalue}; ${advice}`;
  const shown = [first, ...others].slice(0, MAX_SHOWN);
  const rest = others.length + 1 - shown.length;
  const parts = [
    { heading: `RankError: ${summary}` },
    ...shown.map(({ ranks, error }) => ({ heading: `${namedRanks(ranks)}:`, stack: error.stack })),
    ...(rest > 0 ? [{ heading: `and ${rest} more errors` }] : []),
    ...stopped,
  ];
  return { ename: "RankError", evalue: summary, stack, parts };
}

/** A line for the ranks that were stopped, with what they were waiting in. */
function describeStopped(outcomes: readonly RankOutcome[]): string[] {
  const byCall = new Map<string, number[]>();
  for (const { rank, wasStopped, collectives } of outcomes) {
    if (!wasStopped) continue;
    const call = collectives.pending[0] === undefined ? "" : `, waiting in ${collectives.pending[0]}`;
    byCall.set(call, [...(byCall.get(call) ?? []), rank]);
  }
  return [...byCall].map(([call, ranks]) => `${namedRanks(ranks)}: stopped${call}`);
}
