/** What the native engine did: calls and seconds of each op, and stock tfjs kernels that ran in JavaScript instead. */

export interface OpStatistics {
  readonly calls: number;
  readonly seconds: number;
}

interface Counter {
  calls: number;
  seconds: number;
}

const ops = new Map<string, Counter>();
const fallbacks = new Map<string, Counter>();

/** Runs `work` and adds it to the profile of `op`. */
export function timed<Result>(op: string, work: () => Result): Result {
  return count(ops, op, work);
}

/** Runs a stock tfjs kernel in JavaScript and counts it. */
export function fallBack<Result>(kernel: string, work: () => Result): Result {
  return count(fallbacks, kernel, work);
}

/** Calls and seconds of each native op since the last reset. */
export function opProfile(): ReadonlyMap<string, OpStatistics> {
  return ops;
}

/** Calls and seconds of each stock tfjs kernel that ran in JavaScript on the native backend since the last reset. */
export function fallbackProfile(): ReadonlyMap<string, OpStatistics> {
  return fallbacks;
}

/** Kernels that ran in JavaScript on the native backend since the last reset; 0 in a training step. */
export function fallbackCount(): number {
  let total = 0;
  for (const { calls } of fallbacks.values()) total += calls;
  return total;
}

export function resetProfile(): void {
  ops.clear();
  fallbacks.clear();
}

function count<Result>(table: Map<string, Counter>, name: string, work: () => Result): Result {
  const startedAt = performance.now();
  try {
    return work();
  } finally {
    const seconds = (performance.now() - startedAt) / 1000;
    const counter = table.get(name);
    if (counter) {
      counter.calls++;
      counter.seconds += seconds;
    } else {
      table.set(name, { calls: 1, seconds });
    }
  }
}
