/** Compares what two runs of a notebook put out: text word for word, numbers within tolerances, figures by their data. */

import type { Cell, JsonObject, Notebook, Output } from "./notebook-file";

export interface CompareOptions {
  /** |a - b| <= atol + rtol * |a| for numbers in texts and in figures' data. */
  readonly rtol: number;
  readonly atol: number;
}

export interface Difference {
  /** Counts the notebook's cells from 0. */
  readonly cell: number;
  readonly text: string;
}

/** Cells with this tag put out what differs from run to run, such as timings. */
const IGNORE_TAG = "nbval-ignore-output";
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
    if ((cell.metadata.tags as string[] | undefined)?.includes(IGNORE_TAG)) return [];
    return compareCells(cell, after[position]!.cell, options).map((text) => ({ cell: index, text }));
  });
}

function codeCells(notebook: Notebook): { cell: Cell; index: number }[] {
  const isInjected = (cell: Cell): boolean =>
    ((cell.metadata.tags as string[] | undefined) ?? []).includes("injected-parameters");
  return notebook.cells
    .map((cell, index) => ({ cell, index }))
    .filter(({ cell }) => cell.cell_type === "code" && !isInjected(cell));
}

function compareCells(expected: Cell, actual: Cell, options: CompareOptions): string[] {
  const before = expected.outputs ?? [];
  const after = actual.outputs ?? [];
  if (before.length !== after.length) {
    return [`${before.length} outputs before (${kinds(before)}), ${after.length} now (${kinds(after)})`];
  }
  return before.flatMap((output, index) => {
    const difference = compareOutput(output, after[index]!, options);
    return difference === undefined ? [] : [`output ${index}: ${difference}`];
  });
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
