/** Reads and writes notebook files: nbformat 4, written as 4.5 in the form Jupyter's own tools give them. */

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { writeFileAtomic } from "../data/files";
import { NotebookError } from "../errors";
import { describeIoError } from "../files";
import { parseJson } from "../json";

export type JsonObject = Record<string, unknown>;

/** MIME type to content; text is one string, JSON types are JSON values. */
export type MimeBundle = Record<string, unknown>;

export interface StreamOutput {
  output_type: "stream";
  name: string;
  text: string;
}

export interface DisplayOutput {
  output_type: "display_data" | "execute_result";
  data: MimeBundle;
  metadata: JsonObject;
  /** Only of an `execute_result`. */
  execution_count?: number | null;
}

export interface ErrorOutput {
  output_type: "error";
  ename: string;
  evalue: string;
  traceback: string[];
}

export type Output = StreamOutput | DisplayOutput | ErrorOutput;

export interface Cell {
  cell_type: "code" | "markdown" | "raw";
  id: string;
  source: string;
  metadata: JsonObject;
  /** Of code cells. */
  outputs?: Output[];
  /** Of code cells. */
  execution_count?: number | null;
  attachments?: JsonObject;
}

export interface Notebook {
  nbformat: 4;
  nbformat_minor: number;
  metadata: JsonObject;
  cells: Cell[];
}

/** Cells with this tag are not run, as in nbclient. */
export const SKIP_TAG = "skip-execution";
/** Cells with this tag may fail, as in nbclient. */
export const RAISES_TAG = "raises-exception";

const MINOR_VERSION = 5;

const multiline = z.union([z.string(), z.array(z.string())]);
const jsonObject = z.record(z.string(), z.unknown());
const outputSchema = z.discriminatedUnion("output_type", [
  z.looseObject({ output_type: z.literal("stream"), name: z.string().default("stdout"), text: multiline }),
  z.looseObject({
    output_type: z.enum(["display_data", "execute_result"]),
    data: jsonObject,
    metadata: jsonObject.default({}),
  }),
  z.looseObject({
    output_type: z.literal("error"),
    ename: z.string(),
    evalue: z.string(),
    traceback: z.array(z.string()),
  }),
]);
const cellSchema = z.looseObject({
  cell_type: z.enum(["code", "markdown", "raw"]),
  id: z.string().optional(),
  source: multiline,
  metadata: jsonObject.default({}),
  outputs: z.array(outputSchema).optional(),
});
const notebookSchema = z.looseObject({
  nbformat: z.literal(4),
  nbformat_minor: z.int().nonnegative(),
  metadata: jsonObject.default({}),
  cells: z.array(cellSchema),
});

/**
 * Reads the notebook at `path`.
 *
 * @throws {NotebookError} when it cannot be read or is no notebook of format 4.
 */
export async function readNotebook(path: string): Promise<Notebook> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    const message = `Cannot read notebook "${path}": ${describeIoError(cause)}`;
    throw new NotebookError(message, { path, isRequest: true, cause });
  }
  return parseNotebook(text, path);
}

/** Writes a notebook so that a reader sees the old file or the new one, never a part. */
export async function writeNotebook(path: string, notebook: Notebook): Promise<void> {
  await writeFileAtomic(path, serializeNotebook(notebook));
}

/**
 * The notebook in `text`: line lists joined, missing ids and fields added; `path` is only named in errors.
 *
 * @throws {NotebookError} when `text` is no notebook of format 4.
 */
export function parseNotebook(text: string, path: string): Notebook {
  let raw: unknown;
  try {
    raw = parseJson(text);
  } catch (cause) {
    const message = `Cannot parse notebook "${path}": it is not JSON: ${(cause as Error).message}`;
    throw new NotebookError(message, { path, isRequest: true, cause });
  }
  const parsed = notebookSchema.safeParse(raw);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join(".") || "file"}: ${issue.message}`);
    const message = `Cannot use "${path}" as a notebook of format 4: ${problems.slice(0, 3).join("; ")}`;
    throw new NotebookError(message, { path, isRequest: true });
  }
  const ids = new Set<string>();
  const cells = parsed.data.cells.map((cell, index) => parseCell(cell as JsonObject, index, ids));
  const { orig_nbformat: _, orig_nbformat_minor: __, signature: ___, ...metadata } = parsed.data.metadata;
  return { nbformat: 4, nbformat_minor: MINOR_VERSION, metadata, cells };
}

/** The file form: keys sorted, indented by one blank, long texts as lists of lines, one newline at the end. */
export function serializeNotebook(notebook: Notebook): string {
  const cells = notebook.cells.map((cell) => ({
    ...cell,
    source: splitLines(cell.source),
    ...(cell.outputs && { outputs: cell.outputs.map(splitOutput) }),
  }));
  return `${JSON.stringify(sortKeys({ ...notebook, cells }), null, 1)}\n`;
}

/** A new code cell; the id follows from its text, so that equal runs give equal files. */
export function createCell(type: "code" | "markdown", source: string, tags: readonly string[]): Cell {
  const id = hashId(`${type} ${tags.join(" ")} ${source}`);
  const metadata = { tags: [...tags] };
  if (type === "markdown") return { cell_type: type, id, source, metadata };
  return { cell_type: type, id, source, metadata, outputs: [], execution_count: null };
}

/** The tags of a cell. */
export function tagsOf(cell: Cell): readonly string[] {
  const tags = cell.metadata.tags;
  return Array.isArray(tags) ? tags.filter((tag) => typeof tag === "string") : [];
}

function parseCell(raw: JsonObject, index: number, ids: Set<string>): Cell {
  const { trusted: _, ...metadata } = raw.metadata as JsonObject;
  const source = joinLines(raw.source) as string;
  let id = typeof raw.id === "string" ? raw.id : hashId(`${index} ${source}`);
  while (ids.has(id)) id = hashId(id);
  ids.add(id);
  const cell = { ...raw, id, source, metadata } as Cell;
  // Other cells have none, but a file may say so, and is then written back.
  if (raw.outputs !== undefined) cell.outputs = (raw.outputs as JsonObject[]).map(joinOutput);
  if (cell.cell_type === "code") {
    cell.outputs ??= [];
    cell.execution_count ??= null;
  }
  return cell;
}

function joinOutput(raw: JsonObject): Output {
  const output: JsonObject = { ...raw };
  if ("text" in output) output.text = joinLines(output.text);
  if ("data" in output) {
    const entries = Object.entries(output.data as MimeBundle);
    output.data = Object.fromEntries(
      entries.map(([mime, value]) => [mime, isJsonMime(mime) ? value : joinLines(value)]),
    );
  }
  return output as unknown as Output;
}

function splitOutput(output: Output): JsonObject {
  if (output.output_type === "stream") return { ...output, text: splitLines(output.text) };
  if (output.output_type === "error") return { ...output };
  const entries = Object.entries(output.data);
  const data = entries.map(([mime, value]) => [
    mime,
    isSplitMime(mime) && typeof value === "string" ? splitLines(value) : value,
  ]);
  return { ...output, data: Object.fromEntries(data) };
}

function isJsonMime(mime: string): boolean {
  return mime === "application/json" || mime.endsWith("+json");
}

function isSplitMime(mime: string): boolean {
  return mime.startsWith("text/") || mime === "application/javascript" || mime === "image/svg+xml";
}

function joinLines(value: unknown): unknown {
  return Array.isArray(value) ? value.join("") : value;
}

/** Lines with their newlines; an empty text has none. */
function splitLines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function hashId(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sortKeys(inner)]));
}
