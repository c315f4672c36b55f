/** What ends a run before its last cell, and what is said about it. */

import { CellError, KernelError } from "../errors";
import type { ErrorOutput } from "./notebook-file";
import type { RunOutcome } from "./run-record";

const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** The reason an `AbortSignal` carries when the operating system asks for the end. */
export class Interruption extends Error {
  override readonly name = "Interruption";
  constructor(readonly signalName: "SIGINT" | "SIGTERM" | "SIGHUP") {
    super(`the run was ended by ${signalName}`);
  }
}

export class CellTimeout extends Error {
  override readonly name = "CellTimeoutError";
}

/** What ended a run before its last cell. */
export interface Stop {
  readonly outcome: RunOutcome;
  readonly exitCode: number;
  readonly error: ErrorOutput;
  /** The cell it happened in, counted in the executed notebook; undefined before the first. */
  readonly index?: number;
}

/** Python's way to end a notebook early and well: `sys.exit()` or `sys.exit(0)`. */
export function isQuietExit({ ename, evalue }: ErrorOutput): boolean {
  return ename === "SystemExit" && (evalue === "" || evalue === "0");
}

/**
 * What an error that ended a cell makes of the run.
 *
 * @throws `error` itself when it is none of those that a run may meet.
 */
export function stopOf(error: unknown): Stop {
  const { name, message } = error as Error;
  const output: ErrorOutput = {
    output_type: "error",
    ename: name,
    evalue: message,
    traceback: [`${name}: ${message}`],
  };
  if (error instanceof Interruption) {
    return { outcome: "interrupted", exitCode: EXIT_CODES[error.signalName], error: output };
  }
  if (error instanceof CellTimeout) return { outcome: "timed-out", exitCode: 1, error: output };
  if (error instanceof KernelError) return { outcome: "kernel-died", exitCode: 138, error: output };
  throw error;
}

/** The reason a cell over its time is given up for. */
export function timeoutError(timeoutMs: number): CellTimeout {
  return new CellTimeout(`the cell took longer than ${timeoutMs / 1000} s`);
}

/** What a cell that asks for input ends in. */
export function inputError(): ErrorOutput {
  const evalue = "the cell asked for keyboard input, and nobody is there to give it";
  return { output_type: "error", ename: "InputRequestError", evalue, traceback: [`InputRequestError: ${evalue}`] };
}

/** What the caller of a run that stopped is told; `path` is that of the executed notebook. */
export function cellErrorOf({ error, index }: Stop, path: string): CellError {
  const where = index === undefined ? "before its first cell" : `at cell ${index}`;
  const message = `Notebook "${path}" stopped ${where}: ${error.ename}: ${error.evalue}`;
  return new CellError(message, index ?? -1, error.ename, error.evalue, error.traceback);
}
