/** How a notebook itself asks to be run: `metadata.execution`, as nbmake and jupyter-cache read it. */

import { z } from "zod";
import { NotebookError } from "../errors";
import type { Notebook } from "./notebook-file";

export interface ExecutionSettings {
  /** The longest a cell may take. */
  readonly executionTimeoutMs?: number;
  /** Cells may fail; the run goes on. */
  readonly allowErrors?: boolean;
}

const settingsSchema = z.looseObject({
  /** Seconds; zero and less stand for no limit, as in nbclient. */
  timeout: z.number().nullable().optional(),
  allow_errors: z.boolean().optional(),
});

/**
 * The settings of a notebook; what it says goes before what its caller says, for it knows what its cells need.
 *
 * @param path only named in the error
 * @throws {NotebookError} when a setting has a wrong type.
 */
export function executionSettings(notebook: Notebook, path: string, given: ExecutionSettings): ExecutionSettings {
  const parsed = settingsSchema.safeParse(notebook.metadata.execution ?? {});
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      (issue) => `${["metadata.execution", ...issue.path].join(".")}: ${issue.message}`,
    );
    throw new NotebookError(`Cannot run "${path}": ${problems.join("; ")}`, { path, isRequest: true });
  }
  const { timeout, allow_errors: allowErrors = given.allowErrors } = parsed.data;
  if (timeout === undefined) return { executionTimeoutMs: given.executionTimeoutMs, allowErrors };
  return { executionTimeoutMs: timeout !== null && timeout > 0 ? timeout * 1000 : undefined, allowErrors };
}
