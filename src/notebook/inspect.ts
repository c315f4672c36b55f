/** What parameters a notebook takes: names, types, defaults and the words beside them. */

import ts from "typescript";
import { NotebookError } from "../errors";
import { PARAMETERS_TAG } from "./inject";
import { type Notebook, readNotebook, tagsOf } from "./notebook-file";
import { declaredParameters } from "./parameter-types";
import { maybeLanguage } from "./prepare";
import { printable } from "./run-record";

/** With papermill's keys; `default` is source text. */
export interface InspectedParameter {
  readonly name: string;
  readonly inferred_type_name: string;
  readonly default: string;
  readonly help: string;
}

/** Languages whose declarations the compiler reads. */
const INSPECTED = ["typescript", "javascript"];

/**
 * The parameters of a notebook's cell tagged `parameters`; undefined when it has none.
 *
 * @throws {NotebookError} when the notebook cannot be read, or its language is one whose declarations are not.
 */
export async function inspectNotebook(path: string): Promise<readonly InspectedParameter[] | undefined> {
  const notebook = await readNotebook(path);
  const cell = notebook.cells.find((candidate) => tagsOf(candidate).includes(PARAMETERS_TAG));
  if (cell === undefined) return undefined;
  const language = maybeLanguage(notebook) ?? "typescript";
  if (!INSPECTED.includes(language.toLowerCase())) {
    const reason = `its language is "${language}", expected ${INSPECTED.join(" or ")}`;
    throw new NotebookError(`Cannot inspect the parameters of "${path}": ${reason}`, { path, isRequest: true });
  }
  const texts = declarationTexts(cell.source);
  return declaredParameters(cell.source).map(({ name, type }) => ({
    name,
    inferred_type_name: type,
    default: texts.get(name)?.default ?? "",
    help: texts.get(name)?.help ?? "",
  }));
}

/**
 * What a TypeScript notebook's parameters are: the values given, else the defaults, or the source of those that are no
 * plain values.
 */
export function parameterValues(notebook: Notebook, given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const cell = notebook.cells.find((candidate) => tagsOf(candidate).includes(PARAMETERS_TAG));
  const defaults = [...declarationTexts(cell?.source ?? "")].map(([name, { default: text }]) => [
    name,
    plainValue(text),
  ]);
  return { ...Object.fromEntries(defaults), ...(printable(given) as Record<string, unknown>) };
}

function plainValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The source of each default and the comment at the end of its line. */
function declarationTexts(source: string): Map<string, { default: string; help: string }> {
  const file = ts.createSourceFile("parameters.ts", source, ts.ScriptTarget.ES2022, true);
  const found = new Map<string, { default: string; help: string }>();
  for (const statement of file.statements) {
    if (!ts.isVariableStatement(statement)) continue;
    const comments = ts.getTrailingCommentRanges(source, statement.end) ?? [];
    const help = comments.map(({ pos, end }) => source.slice(pos, end).replace(/^\/[/*]\s*|\s*\*\/$/g, "")).join(" ");
    for (const { name, initializer } of statement.declarationList.declarations) {
      found.set(name.getText(file), { default: initializer?.getText(file) ?? "", help });
    }
  }
  return found;
}
