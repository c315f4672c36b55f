/**
 * Prepares the TypeScript that tslab's converter compiles with, before the converter is loaded: source maps, packages of
 * this project from any folder, and local files outside the folder the kernel started in.
 */

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join, relative } from "node:path";
import type * as TypeScript from "typescript";
import { projectRoot } from "../version";
import { withLiveNames } from "./live-names";
import { localsOf } from "./name-symbols";
import { withSharedTimer } from "./shared-timer";

/** A local file that a cell imports, compiled. */
export interface CompiledFile {
  readonly path: string;
  readonly data: string;
}

/** What the compilation of a cell leaves beside the converter's own result. */
export interface CompilerTrace {
  /** Source maps of the cell's two steps, TypeScript to modules and modules to CommonJS, in that order. */
  takeMaps(): readonly string[];
  /** Imported files outside the kernel's folder. */
  takeOutsideFiles(): readonly CompiledFile[];
  /** The names that the cell itself declares. */
  readonly ownNames: ReadonlySet<string>;
}

type Compiler = typeof TypeScript;
type Host = TypeScript.WatchCompilerHostOfFilesAndCompilerOptions<TypeScript.EmitAndSemanticDiagnosticsBuilderProgram>;

const NOT_UNDER_ROOT = 6059;
/** The converter's names of what it compiles, and of the declarations that earlier cells have left. */
const CELL_FILE = "__tslab__.ts";
const EARLIER_FILE = "__prev__.d.ts";
const INLINE_MAP = /\n\/\/# sourceMappingURL=data:application\/json;base64,(\S+)\s*$/;

/** tslab's own require finds its fork of TypeScript wherever npm put it. */
export const requireFromTslab = createRequire(require.resolve("tslab/package.json"));

/** Replaces the fork's exports by a copy with our additions; the converter must be loaded afterwards. */
export function prepareTypeScript(folder: string): CompilerTrace {
  const path = requireFromTslab.resolve("@tslab/typescript-for-tslab");
  const original = requireFromTslab(path) as Compiler & { getPreEmitDiagnosticsOfFiles: Diagnose };
  let maps: string[] = [];
  let outsideFiles: CompiledFile[] = [];
  let ownNames: ReadonlySet<string> = new Set();
  // No prototype trick: TypeScript's exports are getters, which only a copy can replace.
  const copy = { ...original };

  copy.transpileModule = (input, options) => {
    const first = INLINE_MAP.exec(input);
    const code = first === null ? input : input.slice(0, first.index + 1);
    const output = original.transpileModule(code, {
      ...options,
      compilerOptions: { ...options.compilerOptions, sourceMap: true },
    });
    const firstMap = first === null ? "" : Buffer.from(first[1]!, "base64").toString("utf8");
    maps.push(firstMap, output.sourceMapText ?? "");
    return { ...output, outputText: output.outputText.replace(/\n\/\/# sourceMappingURL=\S+\s*$/, "\n") };
  };

  copy.getPreEmitDiagnosticsOfFiles = (...args) =>
    original.getPreEmitDiagnosticsOfFiles(...args).filter(({ code }) => code !== NOT_UNDER_ROOT);

  copy.createWatchCompilerHost = ((files: string[], options: TypeScript.CompilerOptions, system: TypeScript.System) => {
    const host = original.createWatchCompilerHost(
      files,
      { ...options, inlineSourceMap: true, typeRoots: [...(options.typeRoots ?? []), PROJECT_TYPES] },
      withProjectPackages(withSharedTimer(system), folder),
      // The usual builder finds out anew for each cell what every file of every package refers to.
      original.createAbstractBuilder as never,
      () => undefined,
      () => undefined,
    ) as Host;
    const { createProgram } = host;
    host.createProgram = (...args) => {
      const program = createProgram(...args);
      program.getAllDependencies = (file) => sourcesUnder(program.getProgram(), file);
      program.getProgram().getTypeChecker(); // finds the names that each file declares: tslab reads them from the cell's
      const { emit } = program;
      program.emit = (file, write, cancellation, onlyDeclarations, transformers) => {
        const inner = program.getProgram();
        if (file !== undefined && file === inner.getSourceFile(join(folder, CELL_FILE))) {
          ownNames = new Set(localsOf(file).keys());
          const earlier = inner.getSourceFile(join(folder, EARLIER_FILE));
          const live = withLiveNames(original, inner.getTypeChecker(), { cell: file, earlier });
          return live((before) =>
            emit(file, write, cancellation, onlyDeclarations, {
              ...transformers,
              before: [before, ...(transformers?.before ?? [])],
            }),
          );
        }
        const rest = [cancellation, onlyDeclarations, transformers] as const;
        if (file === undefined || write === undefined || !isOutside(file.fileName, folder)) {
          return emit(file, write, ...rest);
        }
        return emit(
          file,
          (name, data) => {
            if (!name.endsWith(".js")) return;
            const kept = maps;
            const { outputText } = copy.transpileModule(data, { compilerOptions: COMMONJS(original) });
            maps = kept.slice(0, -2); // maps are kept for cells only
            outsideFiles.push({ path: file.fileName.replace(/\.[jt]sx?$/, ".js"), data: outputText });
          },
          ...rest,
        );
      };
      return program;
    };
    return host;
  }) as Compiler["createWatchCompilerHost"];

  const cached = require.cache[path]!;
  cached.exports = copy;
  return {
    takeMaps() {
      const taken = maps.slice(-2);
      maps = [];
      return taken;
    },
    takeOutsideFiles() {
      const taken = outsideFiles;
      outsideFiles = [];
      return taken;
    },
    get ownNames() {
      return ownNames;
    },
  };
}

/** The file and all sources that it imports, directly or not; declarations have nothing to compile below them. */
function sourcesUnder(program: TypeScript.Program, file: TypeScript.SourceFile): string[] {
  const seen = new Set([file.fileName]);
  const visit = (importing: TypeScript.SourceFile): void => {
    (importing as WithImports).resolvedModules?.forEach(({ resolvedModule }) => {
      const path = resolvedModule?.resolvedFileName;
      const imported = path === undefined || seen.has(path) ? undefined : program.getSourceFile(path);
      if (imported === undefined || imported.isDeclarationFile) return;
      seen.add(imported.fileName);
      visit(imported);
    });
  };
  visit(file);
  return [...seen];
}

/** What TypeScript keeps in a file without declaring it. */
type WithImports = TypeScript.SourceFile & {
  readonly resolvedModules?: ReadonlyMap<string, { readonly resolvedModule?: TypeScript.ResolvedModule }>;
};

type Diagnose = (...args: readonly unknown[]) => readonly { readonly code: number }[];

const PROJECT_TYPES = join(projectRoot, "node_modules", "@types");

/** The options of the converter's own second step. */
const COMMONJS = (compiler: Compiler): TypeScript.CompilerOptions => ({
  module: compiler.ModuleKind.CommonJS,
  esModuleInterop: true,
  target: compiler.ScriptTarget.ES2022,
  newLine: compiler.NewLineKind.LineFeed,
});

/** A package that the folder does not have is looked for in this project: `import "asterolab"` works anywhere. */
function withProjectPackages(system: TypeScript.System, folder: string): TypeScript.System {
  const local = join(folder, "node_modules");
  const project = join(projectRoot, "node_modules");
  if (local === project) return system;
  const forward = (path: string): string => {
    if (path !== local && !path.startsWith(`${local}/`)) return path;
    const name = path.slice(local.length + 1).split("/", path[local.length + 1] === "@" ? 2 : 1);
    return existsSync(join(local, ...name)) && name[0] !== "" ? path : project + path.slice(local.length);
  };
  const forwarding = Object.create(system) as TypeScript.System;
  const isOwn = (path: string): boolean => path === forward(path);
  forwarding.fileExists = (path) => system.fileExists(path) || (!isOwn(path) && system.fileExists(forward(path)));
  forwarding.directoryExists = (path) =>
    system.directoryExists(path) || (!isOwn(path) && system.directoryExists(forward(path)));
  forwarding.readFile = (path, encoding) => system.readFile(path, encoding) ?? system.readFile(forward(path), encoding);
  forwarding.realpath = (path) => system.realpath?.(forward(path)) ?? path;
  return forwarding;
}

function isOutside(path: string, folder: string): boolean {
  return relative(folder, path).startsWith("..");
}
