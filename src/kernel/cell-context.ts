/**
 * Knows which cell started what runs: promises and timers keep the name that `run` gave, also when the cell has ended.
 * Not by AsyncLocalStorage, which below Node 24 stands on async hooks: with those, Node ends the process once a cell's
 * execution has been terminated, since its record of asynchronous contexts is cut off mid-way.
 */

import { promiseHooks } from "node:v8";

/** In whose name the code that runs now was started. */
let current: string | undefined;
/** The cell in which a promise was made, and so what waits for it. */
const cellOf = new WeakMap<Promise<unknown>, string>();

export const cellContext = {
  /** The cell that started the code which asks; undefined where nobody can tell. */
  get cell(): string | undefined {
    return current;
  },

  /** Runs the code of a cell. */
  run(cell: string, work: () => void): void {
    enter(cell, work);
  },

  /** Forgets in whose name code ran that was cut off. */
  reset(): void {
    current = undefined;
  },

  /** Begins to follow promises and timers; once per process. */
  follow(): void {
    promiseHooks.createHook({
      init: (promise) => {
        if (current !== undefined) cellOf.set(promise, current);
      },
      before: (promise) => {
        current = cellOf.get(promise);
      },
      after: () => {
        current = undefined;
      },
    });
    const timers = globalThis as unknown as Record<string, Start>;
    for (const name of ["setTimeout", "setInterval", "setImmediate", "queueMicrotask"]) {
      timers[name] = following(timers[name]!);
    }
    process.nextTick = following(process.nextTick as Start) as typeof process.nextTick;
  },
};

type Callback = (...args: unknown[]) => unknown;
type Start = (callback: Callback, ...rest: unknown[]) => unknown;

/** The same function, whose callback runs in the name of the cell that called it. */
function following(start: Start): Start {
  function startFollowing(this: unknown, callback: Callback, ...rest: unknown[]): unknown {
    const cell = current;
    if (cell === undefined || typeof callback !== "function") return start.call(this, callback, ...rest);
    return start.call(
      this,
      function (this: unknown, ...args: unknown[]) {
        return enter(cell, () => callback.apply(this, args));
      },
      ...rest,
    );
  }
  // Its name, and its form that gives a promise.
  return Object.defineProperties(startFollowing, Object.getOwnPropertyDescriptors(start)) as Start;
}

function enter<T>(cell: string, work: () => T): T {
  const before = current;
  current = cell;
  try {
    return work();
  } finally {
    current = before;
  }
}
