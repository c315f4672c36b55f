/** Parsers of option values, shared by the commands. */

import { CliError } from "../errors";

/**
 * A parser for a flag that must be an integer of at least `minimum`.
 *
 * @throws {CliError} from the parser, naming the flag and its value.
 */
export function integer(flag: string, minimum: number): (text: string) => number {
  return (text) => {
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value) || value < minimum) {
      throw new CliError(`${flag} must be an integer of at least ${minimum}, got "${text}"`);
    }
    return value;
  };
}
