/** Puts parameters into a notebook where papermill puts them: in a cell of its own, after the cell of defaults. */

import { NotebookError } from "../errors";
import { type Cell, createCell, type Notebook, tagsOf } from "./notebook-file";
import { isRepresentable, type ResolvedParameter, resolveParameters, translate } from "./parameter-types";
import type { ParameterInput } from "./parameters";

export const PARAMETERS_TAG = "parameters";
export const INJECTED_TAG = "injected-parameters";

const TYPED = new Set(["typescript"]);
const UNTYPED = new Set(["javascript"]);

/**
 * Adds or replaces the cell of injected parameters; without parameters the notebook stays as it is.
 *
 * @param language of the notebook's kernel
 * @returns the values set, by name
 * @throws {NotebookError} when a name is unknown, a value has the wrong type, or the language has no translation.
 */
export function injectParameters(
  notebook: Notebook,
  inputs: readonly ParameterInput[],
  language: string,
  path: string,
): Record<string, unknown> {
  if (inputs.length === 0) return {};
  const defaults = notebook.cells.find((cell) => isCodeTagged(cell, PARAMETERS_TAG));
  const resolved = resolve(defaults, inputs, language.toLowerCase(), path);
  const source = `${["// Parameters", ...resolved.map(translate)].join("\n")}\n`;
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
  if (TYPED.has(language) && defaults !== undefined) return resolveParameters(defaults.source, inputs, path);
  if (!TYPED.has(language) && !UNTYPED.has(language)) {
    const message = `Cannot pass parameters to "${path}": its language is "${language}", expected typescript or javascript`;
    throw new NotebookError(message, { path, isRequest: true });
  }
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
