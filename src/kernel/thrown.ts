/** What a cell threw, in words. */

import { inspect } from "node:util";
import type { ThrownError } from "./channel";

export function describeThrown(thrown: unknown): ThrownError {
  if (!isErrorLike(thrown)) {
    const text = inspect(thrown);
    return { ename: "Thrown", evalue: text, stack: `Thrown: ${text}` };
  }
  // `inspect` adds causes and fields to the stack.
  return { ename: thrown.name || "Error", evalue: thrown.message, stack: inspect(thrown).replace(BRACKETS, "$1") };
}

/** What `inspect` puts around an error without frames. */
const BRACKETS = /^\[(.*)\]$/s;

/** Errors of another realm are errors, too. */
function isErrorLike(value: unknown): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === "[object Error]";
}
