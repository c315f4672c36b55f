import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import ts from "typescript";
import { projectRoot } from "../src/version";

test("every export of the public API says what it is, and those that environment.md names are there", () => {
  const config = ts.getParsedCommandLineOfConfigFile(join(projectRoot, "tsconfig.json"), {}, {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: ({ messageText }) => assert.fail(String(messageText)),
  } satisfies ts.ParseConfigFileHost)!;
  const index = join(projectRoot, "src", "index.ts");
  const program = ts.createProgram([index], config.options);
  const checker = program.getTypeChecker();
  const exports = checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(index)!)!);
  const undocumented = exports
    .map((symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol))
    .filter((symbol) => symbol.getDocumentationComment(checker).length === 0)
    .map(({ name }) => name);
  assert.deepEqual(undocumented, []);
  const names = exports.map(({ name }) => name);
  for (const name of ["openWorld", "train", "withoutRank"]) assert.ok(names.includes(name), name);
});
