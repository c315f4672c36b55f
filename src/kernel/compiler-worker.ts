/** The thread in which cells are compiled, completed and explained, so that the protocol never waits for TypeScript. */

import { parentPort } from "node:worker_threads";
import type { createConverter, isCompleteCode } from "tslab/dist/converter";
import { withoutExports } from "./cell-exports";
import { type CompileReply, type CompileRequest, type CompilerRequest, describeDiagnostics } from "./compile-messages";
import { withNamespaces } from "./kept-namespaces";
import type { Compiler } from "./name-symbols";
import { prepareTypeScript, requireFromTslab } from "./typescript-host";

const trace = prepareTypeScript(process.cwd());
// Loaded only now, so that it compiles with the prepared TypeScript.
const tslab = require("tslab/dist/converter") as {
  createConverter: typeof createConverter;
  isCompleteCode: typeof isCompleteCode;
};
const { printQuickInfo } = require("tslab/dist/inspect") as { printQuickInfo: (info: unknown) => string };
const { getCodeMetadata } = require("tslab/dist/metadata") as {
  getCodeMetadata: (code: string) => { module?: string };
};

const typescript = requireFromTslab("@tslab/typescript-for-tslab") as Compiler;
const converter = tslab.createConverter({});
/** What cells find declared without declaring it; the user process holds the values. */
const BUILT_IN = "export declare function prompt(question?: unknown): string;\n";
let declarations = BUILT_IN;

parentPort!.on("message", (request: CompilerRequest & { readonly id: number }) => {
  let reply: unknown;
  try {
    reply = { id: request.id, result: answer(request) };
  } catch (error) {
    reply = { id: request.id, error: (error as Error).message };
  }
  parentPort!.postMessage(reply);
});

function answer(request: CompilerRequest): unknown {
  switch (request.kind) {
    case "compile":
      return compile(request);
    case "complete": {
      const info = converter.complete(declarations, request.code, request.position);
      return { start: info.start, end: info.end, matches: info.candidates };
    }
    case "inspect": {
      const info = converter.inspect(declarations, request.code, request.position);
      return info ? printQuickInfo(info) : undefined;
    }
    case "is-complete":
      return tslab.isCompleteCode(request.code);
    case "forget":
      declarations = BUILT_IN;
      return undefined;
  }
}

function compile({ code, file, isExpression }: CompileRequest): CompileReply {
  const metadata = getCodeMetadata(code);
  if (metadata.module !== undefined) {
    const diagnostics = converter.addModule(metadata.module, code, metadata);
    return { diagnostics: describeDiagnostics(diagnostics, code, file) };
  }
  const converted = converter.convert(declarations, withoutExports(typescript, code));
  const outside = trace.takeOutsideFiles();
  const maps = trace.takeMaps();
  if (converted.diagnostics.length > 0) {
    return { diagnostics: describeDiagnostics(converted.diagnostics, code, file) };
  }
  // Also kept when the cell fails half-way or is interrupted: what it has assigned until then stays usable.
  if (!isExpression) {
    declarations = withNamespaces(typescript, declarations, converted.declOutput ?? "", trace.ownNames);
  }
  return {
    diagnostics: [],
    maps,
    cell: {
      file,
      code: converted.output ?? "",
      lastValue: converted.lastExpressionVar,
      files: [...(converted.sideOutputs ?? []), ...outside],
    },
  };
}
