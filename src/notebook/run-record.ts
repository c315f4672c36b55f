/** What a run leaves in a notebook's metadata: papermill's keys, with a status that says what really happened. */

import { version } from "../version";
import { type Cell, createCell, type ErrorOutput, type JsonObject, type Notebook, tagsOf } from "./notebook-file";

export type CellStatus = "pending" | "running" | "completed" | "failed";

/** How a run ended. */
export type RunOutcome = "completed" | "failed" | "timed-out" | "kernel-died" | "interrupted";

const ERROR_TAG = "papermill-error-cell-tag";
const ERROR_ANCHOR = "papermill-error-cell";

export interface RunDescription {
  readonly inputPath: string;
  readonly outputPath: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** Makes a notebook ready for a run: no outputs, no widgets, no marks of an earlier failure, every cell pending. */
export function startRun(notebook: Notebook, run: RunDescription): void {
  removeFailureMarks(notebook);
  delete notebook.metadata.widgets; // of outputs that go
  forgetNotes(notebook.metadata, ["outcome", "widgets_dropped"]);
  for (const cell of notebook.cells) {
    if (cell.cell_type === "code") {
      cell.outputs = [];
      cell.execution_count = null;
    }
    const { execution: _, ...metadata } = cell.metadata;
    cell.metadata = { ...metadata, tags: [...tagsOf(cell)] };
    forgetNotes(cell.metadata, ["outputs_truncated"]);
    setRecord(cell, { status: "pending", exception: null, start_time: null, end_time: null, duration: null });
  }
  describeRun(notebook, run);
  Object.assign(notebook.metadata.papermill as JsonObject, {
    start_time: now(),
    end_time: null,
    duration: null,
    exception: null,
  });
}

/** Writes down what is run with what, before anything has run. */
export function describeRun(notebook: Notebook, run: RunDescription): void {
  notebook.metadata.papermill = {
    default_parameters: {},
    environment_variables: {},
    parameters: printable(run.parameters),
    version: `asterolab ${version}`,
    input_path: run.inputPath,
    output_path: run.outputPath,
  };
}

/** Takes the notes of `markFailure` out again. */
export function removeFailureMarks(notebook: Notebook): void {
  notebook.cells = notebook.cells.filter((cell) => !tagsOf(cell).includes(ERROR_TAG));
}

/** Marks a cell as begun. */
export function startCell(cell: Cell): void {
  setRecord(cell, { status: "running", exception: false, start_time: now() });
}

/** Marks a cell as ended. */
export function endCell(cell: Cell, status: "completed" | "failed"): void {
  setRecord(cell, { status, exception: status === "failed", ...timesSince(recordOf(cell).start_time) });
}

/** Marks the run as ended; the cells it never reached stay pending. */
export function endRun(notebook: Notebook, outcome: RunOutcome): void {
  const record = notebook.metadata.papermill as JsonObject;
  Object.assign(record, timesSince(record.start_time), { exception: outcome === "completed" ? null : true });
  notebook.metadata.asterolab = { ...(notebook.metadata.asterolab as JsonObject | undefined), outcome, version };
}

/** Takes out the times of the run, for a notebook that is kept under version control; its provenance stays. */
export function removeRunRecord(notebook: Notebook): void {
  const { papermill: _, ...metadata } = notebook.metadata;
  notebook.metadata = metadata;
  for (const cell of notebook.cells) {
    const { papermill, execution, tags, ...rest } = cell.metadata;
    cell.metadata = Array.isArray(tags) && tags.length > 0 ? { ...rest, tags } : rest;
  }
}

/** Puts a note on top of the notebook that leads to the failed cell, and another just before that cell. */
export function markFailure(notebook: Notebook, failed: Cell, error: ErrorOutput): void {
  const place = `In [${failed.execution_count ?? " "}]`;
  const top = `<span style="color:red">**${escapeHtml(error.ename)}** in <a href="#${ERROR_ANCHOR}">${place}</a>: the run stopped there.</span>`;
  const here = `<span id="${ERROR_ANCHOR}" style="color:red">The run stopped at the next cell, with the error below it:</span>`;
  notebook.cells.splice(notebook.cells.indexOf(failed), 0, createCell("markdown", here, [ERROR_TAG]));
  notebook.cells.unshift(createCell("markdown", top, [ERROR_TAG]));
}

/** The dates of the messages that began and ended a cell, under the keys JupyterLab reads. */
export function recordTiming(cell: Cell, event: string, date: string): void {
  const timing = (cell.metadata.execution ?? {}) as JsonObject;
  cell.metadata.execution = { [event]: date, ...timing }; // the first message of a kind counts
}

/** Takes notes of an earlier run out of our own metadata; what else stands there stays. */
function forgetNotes(metadata: JsonObject, names: readonly string[]): void {
  if (metadata.asterolab === undefined) return;
  const kept = Object.entries(metadata.asterolab as JsonObject).filter(([name]) => !names.includes(name));
  if (kept.length > 0) metadata.asterolab = Object.fromEntries(kept);
  else delete metadata.asterolab;
}

function recordOf(cell: Cell): JsonObject {
  return (cell.metadata.papermill ?? {}) as JsonObject;
}

function setRecord(cell: Cell, record: JsonObject): void {
  cell.metadata.papermill = { ...recordOf(cell), ...record };
}

function now(): string {
  return new Date().toISOString().replace("Z", "000+00:00");
}

function timesSince(start: unknown): JsonObject {
  const end = now();
  return { end_time: end, duration: (Date.parse(end) - Date.parse(String(start))) / 1000 };
}

/** JSON has no NaN and no infinities: they are kept by name. */
export function printable(value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (Array.isArray(value)) return value.map(printable);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, printable(inner)]));
}

function escapeHtml(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}
