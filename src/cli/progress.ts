/** Progress on stderr: a bar with the time left on a terminal, plain lines otherwise. */

import { Presets, SingleBar } from "cli-progress";
import { detectLaunch } from "../distributed/launch";

export interface Progress {
  /** Shows that `done` of the total is reached; `note` stands at the end of the line. */
  update(done: number, note?: string): void;
  /** Prints a line of text above the bar. */
  line(text: string): void;
  /** Ends the bar; nothing is drawn afterwards. */
  stop(): void;
}

export interface ProgressOptions {
  readonly label: string;
  readonly total: number;
  /** Where `done` starts, for work that is continued. */
  readonly initial?: number;
}

const PLAIN_INTERVAL_MS = 5000;

/** Starts a progress display that suits stderr. */
export function createProgress(options: ProgressOptions): Progress {
  // mpirun gives its ranks a pseudo-terminal, so a terminal alone does not mean that a person watches.
  const isWatched =
    process.stderr.isTTY === true &&
    detectLaunch() === null &&
    process.env.TERM !== "dumb" &&
    process.env.CI === undefined;
  return isWatched ? barProgress(options) : plainProgress(options);
}

function barProgress({ label, total, initial = 0 }: ProgressOptions): Progress {
  const bar = new SingleBar(
    {
      format: `${label} [{bar}] {percentage}% {value}/{total} {eta_formatted} left {note}`,
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: false,
      fps: 5,
      etaBuffer: 50,
    },
    Presets.rect,
  );
  bar.start(total, initial, { note: "" });
  return {
    update: (done, note = "") => bar.update(done, { note }),
    // The bar draws itself again below, at its next tick.
    line: (text) => void process.stderr.write(`\r\x1b[K${text}\n`),
    stop: () => bar.stop(),
  };
}

function plainProgress({ label, total, initial = 0 }: ProgressOptions): Progress {
  const startedAt = Date.now();
  let shownAt = startedAt;
  let shownDone = -1;
  let last = { done: initial, note: "" };
  const show = (done: number, note: string): void => {
    shownAt = Date.now();
    shownDone = done;
    const fraction = (done - initial) / Math.max(1, total - initial);
    const left = fraction > 0 ? `, ${formatSeconds(((shownAt - startedAt) / 1000) * (1 / fraction - 1))} left` : "";
    process.stderr.write(`${label}: ${done}/${total}${done < total ? left : ""}${note ? `  ${note}` : ""}\n`);
  };
  return {
    update(done, note = "") {
      last = { done, note };
      if (Date.now() - shownAt >= PLAIN_INTERVAL_MS) show(done, note);
    },
    line: (text) => void process.stderr.write(`${text}\n`),
    stop() {
      if (last.done !== shownDone) show(last.done, last.note);
    },
  };
}

/** Seconds as people say them: `45 s`, `3 min 20 s`, `2 h 5 min`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
