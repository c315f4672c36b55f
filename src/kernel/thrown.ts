/** What a cell threw, in words. */

import { inspect } from "node:util";
import { CELL_NAMES, type ThrownError } from "./channel";

export function describeThrown(thrown: unknown): ThrownError {
  if (!isErrorLike(thrown)) {
    const text = inspect(thrown);
    return { ename: "Thrown", evalue: text, stack: `Thrown: ${text}` };
  }
  // `inspect` adds causes and fields to the stack.
  const stack = inspect(thrown).replace(BRACKETS, "$1");
  return { ename: thrown.name || "Error", evalue: asWritten(thrown.message), stack: asWritten(stack) };
}

/** The names of cells as they stand in the cell: JavaScript puts the compiled code into messages and into functions' text. */
export function asWritten(text: string): string {
  if (!text.includes(CELL_NAMES)) return text;
  return text.replace(CALLED_NAME, "$1").replaceAll(`${CELL_NAMES}.`, "");
}

const CALLED_NAME = new RegExp(`\\(0 ?, (${CELL_NAMES}\\.[^()\\s]+)\\)`, "g");

/** What `inspect` puts around an error without frames. */
const BRACKETS = /^\[(.*)\]$/s;

/** Errors of another realm are errors, too. */
function isErrorLike(value: unknown): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === "[object Error]";
}
