/** Requests to the compiler thread, its replies, and type errors in words. */

import type { CompiledCell } from "./channel";

export interface CompileRequest {
  readonly kind: "compile";
  readonly code: string;
  readonly file: string;
  /** It declares nothing for later cells. */
  readonly isExpression: boolean;
}

export type CompilerRequest =
  | CompileRequest
  | { readonly kind: "complete"; readonly code: string; readonly position: number }
  | { readonly kind: "inspect"; readonly code: string; readonly position: number }
  | { readonly kind: "is-complete"; readonly code: string }
  | { readonly kind: "forget" };

export interface CompileReply {
  /** Each a line that names the place and the problem, the line of source, and a caret; empty when it compiled. */
  readonly diagnostics: readonly CellDiagnostic[];
  readonly cell?: CompiledCell;
  /** TypeScript to modules, modules to CommonJS. */
  readonly maps?: readonly string[];
}

export interface CellDiagnostic {
  readonly text: string;
  readonly lines: readonly string[];
}

interface Diagnostic {
  readonly start: { readonly line: number; readonly character: number };
  readonly messageText: string;
  readonly code: number;
  readonly fileName?: string;
}

/** Lines and columns count from 1. */
export function describeDiagnostics(diagnostics: readonly Diagnostic[], code: string, file: string): CellDiagnostic[] {
  const sourceLines = code.split("\n");
  return diagnostics.map(({ start, messageText, code: number, fileName }) => {
    const text = `${fileName ?? file}:${start.line + 1}:${start.character + 1} - TS${number}: ${messageText}`;
    const source = fileName === undefined ? sourceLines[start.line] : undefined;
    const excerpt = source === undefined ? [] : [`    ${source}`, `    ${" ".repeat(start.character)}^`];
    return { text, lines: [text, ...excerpt] };
  });
}
