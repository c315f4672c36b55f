/** What the notebook commands show while cells run, and how signals of the operating system reach the run. */

import { Interruption, type RunEvent } from "../notebook/executor";
import { createProgress, type Progress } from "./progress";

export interface ViewOptions {
  /** In front of the bar. */
  readonly label: string;
  readonly isLogging?: boolean;
  readonly hasBar?: boolean;
}

/** A bar over the cells; with `--log-output`, the cells' own lines in its place. */
export function createView({ label, isLogging = false, hasBar = true }: ViewOptions): {
  onEvent: (event: RunEvent) => void;
  stop: () => void;
} {
  let progress: Progress | undefined;
  const onEvent = (event: RunEvent): void => {
    if (event.kind === "start" && hasBar && !isLogging) progress = createProgress({ label, total: event.cells });
    if (event.kind === "cell-start") progress?.update(event.index, titleOf(event.cell.source));
    if (event.kind === "cell-end") progress?.update(event.index + 1, titleOf(event.cell.source));
    if (event.kind === "stream" && isLogging) process.stderr.write(event.text);
    if (event.kind === "warning") process.stderr.write(`asterolab: ${event.text}\n`);
  };
  const stop = (): void => {
    progress?.stop();
    progress = undefined;
  };
  return { onEvent, stop };
}

/** The first line of a cell, short enough for the bar. */
function titleOf(source: string): string {
  return (source.trim().split("\n")[0] ?? "").slice(0, 40);
}

/** An abort signal that fires on the signals of the operating system; a second one ends this process at once. */
export function abortOnSignals(): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const handlers = names.map((name) => {
    const handler = (): void => {
      if (controller.signal.aborted) process.exit(130);
      controller.abort(new Interruption(name));
    };
    process.on(name, handler);
    return () => process.removeListener(name, handler);
  });
  return {
    signal: controller.signal,
    release: () => {
      for (const remove of handlers) remove();
    },
  };
}
