/** Puts parameters into a notebook where papermill puts them: in a cell of its own, after the cell of defaults. */

import { NotebookError } from "../errors";
import { type Cell, createCell, type Notebook, tagsOf } from "./notebook-file";
import { isRepresentable, type ResolvedParameter, resolveParameters, translate } from "./parameter-types";
import type { ParameterInput } from "./parameters";

export const PARAMETERS_TAG = "parameters";
export const INJECTED_TAG = "injected-parameters";

/** How each language writes parameters: its comment sign and the statement that sets one. */
const LANGUAGES: Readonly<Record<string, { comment: string; translate: (parameter: ResolvedParameter) => string }>> = {
  typescript: { comment: "//", translate },
  javascript: { comment: "//", translate },
  python: { comment: "#", translate: translateToPython },
};

/**
 * Adds or replaces the cell of injected parameters; without parameters the notebook stays as it is.
 *
 * @param language of the notebook's kernel
 * @param unchecked set besides, whether or not the notebook declares them
 * @returns the values set, by name
 * @throws {NotebookError} when a name is unknown, a value has the wrong type, or the language has no translation.
 */
export function injectParameters(
  notebook: Notebook,
  inputs: readonly ParameterInput[],
  language: string,
  path: string,
  unchecked: Readonly<Record<string, string>> = {},
): Record<string, unknown> {
  const extra = Object.entries(unchecked).map(([name, value]) => ({ name, value, type: undefined }));
  if (inputs.length === 0 && extra.length === 0) return {};
  const rules = LANGUAGES[language.toLowerCase()];
  if (rules === undefined) {
    const message = `Cannot pass parameters to "${path}": its language is "${language}", expected ${Object.keys(LANGUAGES).join(", ")}`;
    throw new NotebookError(message, { path, isRequest: true });
  }
  const defaults = notebook.cells.find((cell) => isCodeTagged(cell, PARAMETERS_TAG));
  const resolved = [...extra, ...resolve(defaults, inputs, language.toLowerCase(), path)];
  const source = `${[`${rules.comment} Parameters`, ...resolved.map(rules.translate)].join("\n")}\n`;
  const cell = createCell("code", source, [INJECTED_TAG]);
  const previous = notebook.cells.findIndex((candidate) => isCodeTagged(candidate, INJECTED_TAG));
  if (previous !== -1) notebook.cells[previous] = cell;
  else notebook.cells.splice(defaults === undefined ? 0 : notebook.cells.indexOf(defaults) + 1, 0, cell);
  return Object.fromEntries(resolved.map(({ name, value }) => [name, value]));
}

function resolve(
  defaults: Cell | undefined,
  inputs: readonly ParameterInput[],
  language: string,
  path: string,
): readonly ResolvedParameter[] {
  if (inputs.length === 0) return [];
  if (language === "typescript" && defaults !== undefined) return resolveParameters(defaults.source, inputs, path);
  // Nothing declares a type: the likeliest meaning is taken, as papermill takes it.
  return inputs.map(({ name, candidates }) => {
    const value = candidates.find(isRepresentable);
    if (value !== undefined) return { name, value, type: undefined };
    const message = `Cannot set parameter "${name}" of "${path}": ${candidates[0]} has no exact value in ${language}`;
    throw new NotebookError(message, { path, isRequest: true });
  });
}

function isCodeTagged(cell: Cell, tag: string): boolean {
  return cell.cell_type === "code" && tagsOf(cell).includes(tag);
}

/** `name = value`, as papermill writes it. */
function translateToPython({ name, value }: ResolvedParameter): string {
  return `${name} = ${pythonLiteral(value)}`;
}

function pythonLiteral(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : `float('${pythonNonFinite(value)}')`;
  if (Array.isArray(value)) return `[${value.map(pythonLiteral).join(", ")}]`;
  if (typeof value !== "object") return JSON.stringify(String(value)); // a JSON string is a Python string
  const entries = Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}: ${pythonLiteral(inner)}`);
  return `{${entries.join(", ")}}`;
}

function pythonNonFinite(value: number): string {
  return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
}
