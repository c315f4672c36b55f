/** The one-line error for a checkpoint that cannot be used. */

import { CheckpointError } from "../errors";
import { describeIoError, errorCode, isSystemError } from "../files";

/** Enough for every message of ours; names inside a damaged file can be 64 kB long. */
const MAX_LENGTH = 600;

/** `Cannot load checkpoint "runs/a/checkpoint.pth": ...`, with what a damaged file says made printable. */
export function loadError(path: string, cause: unknown): CheckpointError {
  const reason = isSystemError(cause) ? describeIoError(cause) : (cause as Error).message;
  const isRequest = errorCode(cause) === "ENOENT";
  return new CheckpointError(`Cannot load checkpoint "${path}": ${printable(reason)}`, path, { cause, isRequest });
}

function printable(text: string): string {
  const line = text.replace(/[\p{Cc}\u2028\u2029]/gu, (character) => {
    return character === "\n" ? "; " : `\\x${character.codePointAt(0)!.toString(16).padStart(2, "0")}`;
  });
  return line.length > MAX_LENGTH ? `${line.slice(0, MAX_LENGTH)}...` : line;
}
