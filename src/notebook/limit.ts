/** Limits of time, however long. */

/** The longest that a timer of Node waits, 24.8 days; set to more, it would fire at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** Calls `onLimit` after `milliseconds`; never without a limit, or with one beyond what a timer waits. */
export function startLimit(milliseconds: number | undefined, onLimit: () => void): NodeJS.Timeout | undefined {
  if (milliseconds === undefined || milliseconds > LONGEST_MS) return undefined;
  return setTimeout(onLimit, milliseconds);
}

/** Calls `onTurn` every `milliseconds`; never for 0, or beyond what a timer waits. */
export function startTurns(milliseconds: number, onTurn: () => void): NodeJS.Timeout | undefined {
  if (milliseconds === 0 || milliseconds > LONGEST_MS) return undefined;
  return setInterval(onTurn, milliseconds);
}
