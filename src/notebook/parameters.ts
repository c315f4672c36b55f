/** Reads parameters as papermill's command line gives them, and merges them in papermill's order. */

import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { CliError } from "../errors";
import { describeIoError } from "../files";

/** One parameter, with every value its text could mean, the likeliest first; the declared type picks among them. */
export interface ParameterInput {
  readonly name: string;
  readonly candidates: readonly unknown[];
}

/** The parameter options of the command line, in the order given. */
export interface ParameterOptions {
  /** `-p NAME VALUE`: typed by what the text looks like. */
  readonly parameters?: readonly (readonly [string, string])[];
  /** `-r NAME VALUE`: always a string. */
  readonly rawParameters?: readonly (readonly [string, string])[];
  /** `-y YAML`. */
  readonly yaml?: readonly string[];
  /** `-f FILE`, a YAML or JSON file. */
  readonly files?: readonly string[];
  /** `-b BASE64`, of YAML. */
  readonly base64?: readonly string[];
}

/**
 * One input per name; where several sources name it, the later of -b, -f, -y, -p, -r wins.
 *
 * @throws {CliError} when a file cannot be read or a text is no YAML mapping.
 */
export function readParameters(options: ParameterOptions): ParameterInput[] {
  const inputs: ParameterInput[] = [
    ...(options.base64 ?? []).flatMap((text) => fromYaml(Buffer.from(text, "base64").toString("utf8"), "-b")),
    ...(options.files ?? []).flatMap((path) => fromYaml(readText(path), `-f ${path}`)),
    ...(options.yaml ?? []).flatMap((text) => fromYaml(text, "-y")),
    ...(options.parameters ?? []).map(([name, text]) => ({ name, candidates: guessValues(text) })),
    ...(options.rawParameters ?? []).map(([name, text]) => ({ name, candidates: [text] })),
  ];
  return [...new Map(inputs.map((input) => [input.name, input])).values()];
}

/**
 * The values a command-line text may mean: first what papermill takes it for (Python's `True`, `False`, `None`, `int()`,
 * `float()`, else the string), then JSON, then the text as it stands.
 */
export function guessValues(text: string): unknown[] {
  const values: unknown[] = [];
  const trimmed = text.trim();
  const digits = trimmed.replace(/(?<=\d)_(?=\d)/g, "");
  if (text in PYTHON_CONSTANTS) values.push(PYTHON_CONSTANTS[text]);
  else if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(digits)) values.push(Number(digits));
  else if (/^[+-]?nan$/i.test(trimmed)) values.push(Number.NaN);
  else if (/^[+-]?inf(inity)?$/i.test(trimmed)) values.push(trimmed.startsWith("-") ? -Infinity : Infinity);
  else values.push(text);
  try {
    values.push(JSON.parse(text));
  } catch {
    // Not JSON: one meaning fewer.
  }
  values.push(text);
  return values;
}

const PYTHON_CONSTANTS: Readonly<Record<string, unknown>> = { True: true, False: false, None: null };

function fromYaml(text: string, source: string): ParameterInput[] {
  let value: unknown;
  try {
    // YAML 1.1 as papermill reads it; a date stays the string it is written as.
    value = parse(text, {
      version: "1.1",
      customTags: (tags) => tags.filter((tag) => typeof tag === "string" || tag.tag !== TIMESTAMP_TAG),
    });
  } catch (cause) {
    throw new CliError(`Cannot parse parameters of ${source}: ${(cause as Error).message.split("\n")[0]}`);
  }
  if (value === null || value === undefined) return [];
  if (typeof value !== "object" || Array.isArray(value)) {
    throw new CliError(`Cannot use parameters of ${source}: expected a mapping of names to values, got ${text.trim()}`);
  }
  return Object.entries(value).map(([name, inner]) => ({ name, candidates: [inner] }));
}

const TIMESTAMP_TAG = "tag:yaml.org,2002:timestamp";

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new CliError(`Cannot read parameters file "${path}": ${describeIoError(cause)}`);
  }
}
