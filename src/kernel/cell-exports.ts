/**
 * A cell without the word `export` before its declarations, as in code that is pasted from a file: all names of a cell are
 * there for later ones anyway, and tslab's converter, which exports them itself, would refuse them as exported twice.
 */

import type { Compiler } from "./name-symbols";

/** @returns the same code with blanks in the place of the word, so that every position stays */
export function withoutExports(compiler: Compiler, code: string): string {
  if (!/\bexport\b/.test(code)) return code;
  const file = compiler.createSourceFile("cell.ts", code, compiler.ScriptTarget.Latest);
  return file.statements.reduce((text, statement) => {
    const modifiers = compiler.canHaveModifiers(statement) ? (compiler.getModifiers(statement) ?? []) : [];
    const word = modifiers.find(({ kind }) => kind === compiler.SyntaxKind.ExportKeyword);
    if (word === undefined || modifiers.some(({ kind }) => kind === compiler.SyntaxKind.DefaultKeyword)) return text;
    const start = word.getStart(file);
    return text.slice(0, start) + " ".repeat(word.end - start) + text.slice(word.end);
  }, code);
}
