/**
 * One timer for tslab's converter, however many the compiler sets. The converter runs the compiler's timer itself before
 * it looks at a cell, and refuses a second one; the compiler has two, for files that changed and for files that it looked
 * for in vain and that may be there now. Both come together when a package is built anew beside a running kernel.
 */

import type * as TypeScript from "typescript";

/** The system with timers that wait behind one of `system`'s own, and run with it. */
export function withSharedTimer(system: TypeScript.System): TypeScript.System {
  const waiting = new Set<() => void>();
  /** Whether the converter holds our timer; it lets go when that has run without an error. */
  let isHeld = false;
  const runAll = (): void => {
    // Also those that are set meanwhile: what was looked for in vain leads to a change of the program.
    for (const run of waiting) {
      waiting.delete(run);
      run();
    }
    isHeld = false;
  };
  const shared = Object.create(system) as TypeScript.System;
  shared.setTimeout = (callback, milliseconds, ...args: readonly unknown[]) => {
    const run = (): void => callback(...args);
    waiting.add(run);
    if (!isHeld) {
      isHeld = true;
      system.setTimeout!(runAll, milliseconds);
    }
    return run;
  };
  shared.clearTimeout = (run: () => void) => void waiting.delete(run);
  return shared;
}
