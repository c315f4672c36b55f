/** The last value of a cell in the forms a notebook can show: figures as pictures, records as tables, tensors in words. */

import { inspect } from "node:util";
import { figureBundle } from "../plot/bundle";
import type { Figure } from "../plot/figure";
import type { DisplayContent } from "./channel";
import { asWritten } from "./thrown";

/** Values say themselves how they are shown by a method under this symbol, as in Deno's kernel. */
const DISPLAY = Symbol.for("Jupyter.display");
const MAX_ROWS = 60;
const MAX_TENSOR_VALUES = 1000;

/** @returns nothing for undefined: most statements have no value worth a line */
export async function richValue(value: unknown): Promise<DisplayContent | undefined> {
  if (value === undefined) return undefined;
  return { data: encodeBytes((await maybeOwnBundle(value)) ?? bundleOf(value)), metadata: {} };
}

/** Bytes as base64, in which Jupyter carries pictures. */
export function encodeBytes(data: MimeData): MimeData {
  const entries = Object.entries(data).map(([type, value]) => [
    type,
    value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value,
  ]);
  return Object.fromEntries(entries);
}

type MimeData = DisplayContent["data"];

/** What a value gives as its own form; it may take its time. */
async function maybeOwnBundle(value: unknown): Promise<MimeData | undefined> {
  const own = typeof value === "object" && value !== null ? (value as Record<symbol, unknown>)[DISPLAY] : undefined;
  const bundle: unknown = typeof own === "function" ? await own.call(value) : undefined;
  return typeof bundle === "object" && bundle !== null ? (bundle as MimeData) : undefined;
}

function bundleOf(value: unknown): MimeData {
  if (typeof value === "object" && value !== null) {
    if (isFigure(value)) return figureBundle(value);
    if (isTensor(value)) return { "text/plain": describeTensor(value) };
    if (isTable(value)) return { "text/markdown": markdownTable(value), "text/plain": inspect(value) };
  }
  return { "text/plain": asWritten(inspect(value)) };
}

function isFigure(value: object): value is Figure {
  const { data, layout } = value as { data?: unknown; layout?: unknown };
  return Array.isArray(data) && typeof layout === "object" && layout !== null && data.every(isTrace);
}

function isTrace(value: unknown): boolean {
  return typeof (value as { type?: unknown } | null)?.type === "string";
}

interface TensorLike {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly size: number;
  dataSync(): ArrayLike<number>;
  readonly isDisposed: boolean;
}

function isTensor(value: object): value is TensorLike {
  const { shape, dtype, dataSync } = value as Partial<TensorLike>;
  return Array.isArray(shape) && typeof dtype === "string" && typeof dataSync === "function";
}

function describeTensor(tensor: TensorLike): string {
  const head = `Tensor ${tensor.dtype} [${tensor.shape.join(", ")}]`;
  if (tensor.isDisposed) return `${head}, disposed`;
  if (tensor.size > MAX_TENSOR_VALUES) return `${head}, ${tensor.size} values`;
  return `${head}\n${inspect(nested(Array.from(tensor.dataSync()), tensor.shape), { depth: null })}`;
}

function nested(values: readonly unknown[], shape: readonly number[]): unknown {
  if (shape.length === 0) return values[0];
  if (shape.length === 1) return values;
  const step = values.length / shape[0]!;
  return Array.from({ length: shape[0]! }, (_, row) =>
    nested(values.slice(row * step, (row + 1) * step), shape.slice(1)),
  );
}

/** Records of plain values under the same names. */
function isTable(value: unknown): value is readonly Record<string, unknown>[] {
  if (!Array.isArray(value) || value.length === 0 || !value.every(isRecord)) return false;
  const names = Object.keys(value[0]!).join();
  return names !== "" && value.every((row) => Object.keys(row).join() === names);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return false;
  return Object.values(value).every((cell) => typeof cell !== "object" || cell === null);
}

/** Markdown, not HTML: it shows in untrusted notebooks and on code hosts. */
function markdownTable(rows: readonly Record<string, unknown>[]): string {
  const names = Object.keys(rows[0]!);
  const line = (cells: readonly unknown[]): string => `| ${cells.map(cellText).join(" | ")} |`;
  const ruler = names.map((name) => (typeof rows[0]![name] === "number" ? "---:" : "---"));
  const body = rows.slice(0, MAX_ROWS).map((row) => line(names.map((name) => row[name])));
  const rest = rows.length > MAX_ROWS ? `\n\n${rows.length - MAX_ROWS} more rows` : "";
  return [line(names), `| ${ruler.join(" | ")} |`, ...body].join("\n") + rest;
}

function cellText(value: unknown): string {
  return String(value ?? "")
    .replace(/\\/g, "\\\\")
    .replace(/\|/g, "\\|")
    .replace(/\n/g, " ");
}
