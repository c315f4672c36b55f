/** What happens to a notebook before a kernel starts: paths filled in, read, parameters in place, code hidden if asked. */

import { dirname } from "node:path";
import { mkdirP } from "../data/files";
import { NotebookError } from "../errors";
import { INJECTED_TAG, injectParameters, PARAMETERS_TAG } from "./inject";
import { findKernelSpec, type KernelSpec } from "./kernelspecs";
import { type JsonObject, type Notebook, parseNotebook, readNotebook, tagsOf, writeNotebook } from "./notebook-file";
import { STANDARD_STREAM, writeToStdout } from "./notebook-saver";
import type { ParameterInput } from "./parameters";
import { builtinPathValues, fillPath } from "./path-template";
import { describeRun, removeFailureMarks } from "./run-record";

export interface PrepareOptions {
  /** The notebook, a template of its path, or "-" for the standard input. */
  readonly input: string;
  /** Where it is saved, a template of that path, or "-" for the standard output. */
  readonly output: string;
  readonly parameters?: readonly ParameterInput[];
  /** The kernel's name; without it, the notebook's own. */
  readonly kernel?: string;
  /** The language parameters are written in; without it, the kernel's own. */
  readonly language?: string;
  /** Hides the code of every cell, for readers who want the results. */
  readonly reportMode?: boolean;
  /** Which paths, as given, are set as `PATH_PARAMETERS`. */
  readonly injectPaths?: { readonly input?: boolean; readonly output?: boolean };
  readonly onWarning?: (text: string) => void;
}

/** The parameters that take the notebook's own paths. */
export const PATH_PARAMETERS = { input: "PAPERMILL_INPUT_PATH", output: "PAPERMILL_OUTPUT_PATH" } as const;

export interface PreparedNotebook {
  readonly notebook: Notebook;
  /** The paths with parameters filled in. */
  readonly input: string;
  readonly output: string;
  /** The values set, by name. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

/**
 * Reads a notebook and puts its parameters in.
 *
 * @param kernelOf the kernel that will run it; where there is none, the notebook itself tells its language.
 * @throws {NotebookError} when the notebook, a path or a parameter is wrong.
 */
export async function prepareNotebook(
  options: PrepareOptions,
  kernelOf: (notebook: Notebook, path: string) => KernelSpec | undefined,
): Promise<PreparedNotebook> {
  const inputs = options.parameters ?? [];
  const values = { ...builtinPathValues(), ...Object.fromEntries(inputs.map((one) => [one.name, one.candidates[0]])) };
  const input = fillPath(options.input, values);
  const output = fillPath(options.output, values);
  const notebook = input === STANDARD_STREAM ? parseNotebook(await readStdin(), input) : await readNotebook(input);
  const spec = kernelOf(notebook, input);
  if (inputs.length > 0 && !notebook.cells.some((cell) => tagsOf(cell).includes(PARAMETERS_TAG))) {
    options.onWarning?.(`"${input}" has no cell tagged "${PARAMETERS_TAG}": its parameters are set on top, unchecked`);
  }
  const language = options.language ?? spec?.language ?? languageOf(notebook, input);
  const parameters = injectParameters(notebook, inputs, language, input, pathParameters(options));
  if (options.reportMode) hideCode(notebook);
  return { notebook, input, output, parameters };
}

/**
 * Saves `input` with its parameters as `output`, as papermill's `--prepare-only` does: nothing runs, no kernel has to be
 * there, and the outputs of an earlier run stay.
 *
 * @returns the path written.
 * @throws {NotebookError} when the notebook, a path or a parameter is wrong.
 * @throws {DataError} when the output cannot be written.
 */
export async function prepareOnly(options: PrepareOptions): Promise<string> {
  const prepared = await prepareNotebook(options, (notebook) => maybeKernelOf(notebook, options.kernel));
  const { notebook, input, output, parameters } = prepared;
  removeFailureMarks(notebook);
  describeRun(notebook, { inputPath: input, outputPath: output, parameters });
  for (const cell of notebook.cells) {
    // papermill keeps no record in the cell that it puts in itself.
    const isNew = Object.keys(parameters).length > 0 && tagsOf(cell).includes(INJECTED_TAG);
    const record = isNew ? {} : { papermill: {} };
    cell.metadata = { ...record, ...cell.metadata, tags: [...tagsOf(cell)] };
  }
  if (output === STANDARD_STREAM) {
    await writeToStdout(notebook);
  } else {
    mkdirP(dirname(output));
    await writeNotebook(output, notebook);
  }
  return output;
}

/**
 * The name of the kernel a notebook asks for.
 *
 * @throws {NotebookError} when it names none.
 */
export function kernelNameOf(notebook: Notebook, path: string): string {
  const name = maybeKernelName(notebook);
  if (name !== undefined) return name;
  const message = `Cannot tell which kernel runs "${path}": its metadata names none; give one with --kernel`;
  throw new NotebookError(message, { path, isRequest: true });
}

/** The name of the kernel a notebook asks for, where it names one. */
export function maybeKernelName(notebook: Notebook): string | undefined {
  const spec = notebook.metadata.kernelspec as JsonObject | undefined;
  return typeof spec?.name === "string" ? spec.name : undefined;
}

/** The kernel where it is installed; the notebook may say its language without it. */
function maybeKernelOf(notebook: Notebook, name: string | undefined): KernelSpec | undefined {
  try {
    return findKernelSpec(name ?? kernelNameOf(notebook, ""));
  } catch {
    return undefined;
  }
}

/** The language of a notebook, where it says one. */
export function maybeLanguage({ metadata }: Notebook): string | undefined {
  const { kernelspec, language_info: info } = metadata as { [key: string]: JsonObject | undefined };
  const language = kernelspec?.language ?? info?.name;
  return typeof language === "string" ? language : undefined;
}

function languageOf(notebook: Notebook, path: string): string {
  const language = maybeLanguage(notebook);
  if (language !== undefined) return language;
  const message = `Cannot tell the language of "${path}": its metadata names none; give one with --language`;
  throw new NotebookError(message, { path, isRequest: true });
}

function pathParameters({ input, output, injectPaths = {} }: PrepareOptions): Record<string, string> {
  return {
    ...(injectPaths.input && { [PATH_PARAMETERS.input]: input }),
    ...(injectPaths.output && { [PATH_PARAMETERS.output]: output }),
  };
}

function hideCode(notebook: Notebook): void {
  for (const cell of notebook.cells) {
    if (cell.cell_type !== "code") continue;
    cell.metadata.jupyter = { ...(cell.metadata.jupyter as JsonObject | undefined), source_hidden: true };
  }
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
