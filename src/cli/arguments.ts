/** Options and parsers of their values, shared by the commands. */

import { InvalidArgumentError, Option } from "commander";
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

/** `--threads <n>` of the commands that compute. */
export function threadsOption(): Option {
  return new Option("--threads <n>", "threads to compute with (default: the cores of this process)").argParser(
    integer("--threads", 1),
  );
}

/**
 * A parser for a flag that must be a number, not below 0.
 *
 * @throws {CliError} from the parser, naming the flag and its value.
 */
export function tolerance(flag: string): (text: string) => number {
  return (text) => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (!(value >= 0)) throw new CliError(`${flag} must be a number of at least 0, got "${text}"`);
    return value;
  };
}

/** Gathers the values of an option that may be repeated. */
export function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}

/**
 * The parser of a length of time in seconds.
 *
 * @throws {InvalidArgumentError} when the text is no number above 0.
 */
export function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError("expected a number of seconds above 0.");
  return value;
}

/**
 * The parser of `--days`: one length of observation, or the shortest and the longest.
 *
 * @throws {CliError} when the text is neither a number nor two, the shorter one first.
 */
export function days(text: string): readonly [shortest: number, longest: number] {
  const parts = text.split(":").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  const [shortest, longest = shortest] = parts;
  if (parts.length > 2 || !(shortest! > 0 && longest! >= shortest!)) {
    throw new CliError(`--days must be a number of days, or two as shortest:longest, got "${text}"`);
  }
  return [shortest!, longest!];
}
