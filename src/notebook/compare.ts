/** Compares what two runs of a notebook put out: text word for word, numbers within tolerances, figures by their data. */

import { INJECTED_TAG } from "./inject";
import {
  type Cell,
  type JsonObject,
  type Notebook,
  type Output,
  SKIP_TAG,
  type StreamOutput,
  tagsOf,
} from "./notebook-file";

export interface CompareOptions {
  /** |a - b| <= atol + rtol * |a| for numbers in texts and in figures' data. */
  readonly rtol: number;
  readonly atol: number;
  /** Compares the outputs of those cells alone that are tagged `nbval-check-output`; default: of all. */
  readonly isLax?: boolean;
}

export interface Difference {
  /** Counts the notebook's cells from 0. */
  readonly cell: number;
  readonly text: string;
}

/** Cells with this tag put out what was measured, as times and sizes: their words are compared, not their numbers. */
export const MEASURED_TAG = "asterolab-measured";
export const NBVAL_SKIP_TAG = "nbval-skip";
export const NBVAL_RAISES_TAG = "nbval-raises-exception";
/** nbval's tags. Cells put out what differs from run to run, such as timings, or are to be compared; the last counts. */
const CHECK_TAGS: ReadonlyMap<string, boolean> = new Map([
  ["nbval-ignore-output", false],
  ["nbval-check-output", true],
]);
/** Cells with one of these tags are not run by `verify`. */
const SKIP_TAGS = [SKIP_TAG, NBVAL_SKIP_TAG];
/** A view of a widget names a model, by an id that is random. */
const WIDGET_VIEW = "application/vnd.jupyter.widget-view+json";
/** Pictures are drawn from the data, which is compared in their place. */
const DRAWN = ["image/png", "image/svg+xml"];
const NUMBER = /[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?/gi;

/** The differences between the outputs of `expected` and of a new run, whose code cells must be the same. */
export function compareOutputs(expected: Notebook, actual: Notebook, options: CompareOptions): Difference[] {
  const before = codeCells(expected);
  const after = codeCells(actual);
  if (before.length !== after.length) {
    return [{ cell: 0, text: `${before.length} code cells before, ${after.length} now` }];
  }
  return before.flatMap(({ cell, index }, position) => {
    if (!isCompared(cell, options)) return [];
    const limits = tagsOf(cell).includes(MEASURED_TAG) ? { ...options, atol: Number.POSITIVE_INFINITY } : options;
    return compareCells(cell, after[position]!.cell, limits).map((text) => ({ cell: index, text }));
  });
}

function isCompared(cell: Cell, { isLax = false }: CompareOptions): boolean {
  const tags = tagsOf(cell);
  if (tags.some((tag) => SKIP_TAGS.includes(tag))) return false;
  return tags.reduce((isChecked, tag) => CHECK_TAGS.get(tag) ?? isChecked, !isLax);
}

function codeCells(notebook: Notebook): { cell: Cell; index: number }[] {
  return notebook.cells
    .map((cell, index) => ({ cell, index }))
    .filter(({ cell }) => cell.cell_type === "code" && !tagsOf(cell).includes(INJECTED_TAG));
}

function compareCells(expected: Cell, actual: Cell, options: CompareOptions): string[] {
  const before = joinStreams(expected.outputs ?? []);
  const after = joinStreams(actual.outputs ?? []);
  if (before.length !== after.length) {
    return [`${before.length} outputs before (${kinds(before)}), ${after.length} now (${kinds(after)})`];
  }
  return before.flatMap((output, index) => {
    const difference = compareOutput(output, after[index]!, options);
    return difference === undefined ? [] : [`output ${index}: ${difference}`];
  });
}

/**
 * The pieces of each stream as one output, with what a progress bar overwrote left out: which piece of stderr stands
 * between which of stdout is a matter of chance.
 */
function joinStreams(outputs: readonly Output[]): Output[] {
  const streams = new Map<string, StreamOutput>();
  const joined: Output[] = [];
  for (const output of outputs) {
    const before = output.output_type === "stream" ? streams.get(output.name) : undefined;
    if (output.output_type === "stream" && before !== undefined) {
      before.text += output.text;
      continue;
    }
    const copy = { ...output };
    if (copy.output_type === "stream") streams.set(copy.name, copy);
    joined.push(copy);
  }
  for (const stream of streams.values()) stream.text = stream.text.replace(/^.*\r(?=[^\n])/gm, "");
  return joined;
}

function kinds(outputs: readonly Output[]): string {
  return outputs.map(({ output_type: type }) => type).join(", ") || "none";
}

function compareOutput(expected: Output, actual: Output, options: CompareOptions): string | undefined {
  if (expected.output_type !== actual.output_type) return `${expected.output_type} before, ${actual.output_type} now`;
  return firstDifference(comparable(expected), comparable(actual), options, "");
}

/** An output without what the way of running decides: counts, pictures. */
function comparable(output: Output): unknown {
  if (output.output_type === "stream") return { [output.name]: output.text };
  if (output.output_type === "error") return { error: `${output.ename}: ${output.evalue}` };
  const data: JsonObject = { ...output.data };
  delete data[WIDGET_VIEW];
  if (Object.keys(data).some((type) => type.endsWith("+json"))) for (const type of DRAWN) delete data[type];
  return data;
}

function firstDifference(a: unknown, b: unknown, options: CompareOptions, path: string): string | undefined {
  if (typeof a === "number" && typeof b === "number") {
    return isClose(a, b, options) ? undefined : `${path} is ${b}, was ${a}`;
  }
  if (typeof a === "string" && typeof b === "string") return textDifference(a, b, options, path);
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) {
    return Object.is(a, b) ? undefined : `${path} is ${String(b)}, was ${String(a)}`;
  }
  const [left, right] = [a as JsonObject, b as JsonObject];
  for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
    const where = path === "" ? key : `${path}.${key}`;
    if (!(key in left)) return `${where} is new`;
    if (!(key in right)) return `${where} is missing`;
    const difference = firstDifference(left[key], right[key], options, where);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

/** The words must be the same, and the numbers between them close. */
function textDifference(a: string, b: string, options: CompareOptions, path: string): string | undefined {
  if (a === b) return undefined;
  const [linesBefore, linesNow] = [a.split("\n"), b.split("\n")];
  for (let line = 0; line < Math.max(linesBefore.length, linesNow.length); line++) {
    const [before, now] = [linesBefore[line], linesNow[line]];
    if (before === undefined || now === undefined || !isSameLine(before, now, options)) {
      return `${path} line ${line + 1} is ${quote(now)}, was ${quote(before)}`;
    }
  }
  return undefined;
}

function isSameLine(a: string, b: string, options: CompareOptions): boolean {
  const words = (text: string): string => text.replace(NUMBER, "#").replace(/\s+/g, " ");
  const numbers = (text: string): number[] => (text.match(NUMBER) ?? []).map(Number);
  const now = numbers(b);
  return words(a) === words(b) && numbers(a).every((value, index) => isClose(value, now[index]!, options));
}

function isClose(a: number, b: number, { rtol, atol }: CompareOptions): boolean {
  return Object.is(a, b) || Math.abs(a - b) <= atol + rtol * Math.abs(a);
}

function quote(line: string | undefined): string {
  return line === undefined ? "missing" : JSON.stringify(line.length > 120 ? `${line.slice(0, 120)}…` : line);
}
