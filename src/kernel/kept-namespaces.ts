/** Namespaces of earlier cells among the declarations that the next cell finds: tslab's converter forgets them. */

import type { Compiler } from "./name-symbols";

/**
 * @param earlier declarations that the cell has found
 * @param now those that the converter leaves to the next
 * @param own names that the cell has declared itself
 */
export function withNamespaces(compiler: Compiler, earlier: string, now: string, own: ReadonlySet<string>): string {
  if (!/\b(namespace|module)\b/.test(earlier)) return now;
  const file = compiler.createSourceFile("earlier.d.ts", earlier, compiler.ScriptTarget.Latest);
  const kept = file.statements
    .filter(compiler.isModuleDeclaration)
    .filter(({ name }) => compiler.isIdentifier(name) && !own.has(name.text))
    .map((statement) => statement.getText(file));
  return [now, ...kept].join("\n");
}
