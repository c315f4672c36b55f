/** What the native engine did: calls and seconds of each op, and stock tfjs kernels that ran in JavaScript instead. */

import { NO_COST, type OpCost } from "./cost";

export interface OpStatistics extends OpCost {
  readonly calls: number;
  readonly seconds: number;
}

type Counter = { -readonly [Field in keyof OpStatistics]: number };

const ops = new Map<string, Counter>();
const fallbacks = new Map<string, Counter>();

/** Runs `work` and adds it to the profile of `op`, with what it costs by arithmetic. */
export function timed<Result>(op: string, cost: OpCost, work: () => Result): Result {
  return count(ops, op, cost, work);
}

/** Runs a stock tfjs kernel in JavaScript and counts it. */
export function fallBack<Result>(kernel: string, work: () => Result): Result {
  return count(fallbacks, kernel, NO_COST, work);
}

/** Calls and seconds of each native op since the last reset. */
export function opProfile(): ReadonlyMap<string, OpStatistics> {
  return ops;
}

/** Calls and seconds of each stock tfjs kernel that ran in JavaScript on the native backend since the last reset. */
export function fallbackProfile(): ReadonlyMap<string, OpStatistics> {
  return fallbacks;
}

export function resetProfile(): void {
  ops.clear();
  fallbacks.clear();
}

function count<Result>(table: Map<string, Counter>, name: string, cost: OpCost, work: () => Result): Result {
  const startedAt = performance.now();
  try {
    return work();
  } finally {
    const seconds = (performance.now() - startedAt) / 1000;
    let counter = table.get(name);
    if (!counter) {
      counter = { calls: 0, seconds: 0, ...NO_COST };
      table.set(name, counter);
    }
    counter.calls++;
    counter.seconds += seconds;
    counter.flop += cost.flop;
    counter.nominalFlop += cost.nominalFlop;
    counter.bytes += cost.bytes;
  }
}
