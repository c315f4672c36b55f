/** What a running kernel offers to libraries, found under a symbol so that none needs to import the kernel. */

import { type DisplayContent, HOOKS } from "./channel";

export interface KernelHooks {
  /** Shows a bundle below the running cell, or replaces every output with its display id. */
  display(content: DisplayContent, isUpdate: boolean): void;
  /** Clears the running cell's outputs; with `wait`, when the next one comes. */
  clear(wait: boolean): void;
  /** Aborted when the running cell is interrupted. */
  readonly signal: AbortSignal;
  /** Says that the caller heeds the signal: until the release, an interrupt waits for it instead of cutting in. */
  hold(): () => void;
}

/** The kernel this code runs in, if it runs in one. */
export function maybeKernelHooks(): KernelHooks | undefined {
  return (globalThis as Record<symbol, unknown>)[HOOKS] as KernelHooks | undefined;
}

/**
 * For library code that stops when asked: the caller's signal joined, in a kernel, with that of the running cell. Until
 * the release, an interrupt of the cell waits for the code to stop by itself.
 */
export function stoppable(signal: AbortSignal | undefined): { signal: AbortSignal | undefined; release: () => void } {
  const hooks = maybeKernelHooks();
  if (hooks === undefined) return { signal, release: () => undefined };
  return { signal: AbortSignal.any([hooks.signal, ...(signal ? [signal] : [])]), release: hooks.hold() };
}
