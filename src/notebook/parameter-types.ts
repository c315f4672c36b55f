/** Checks parameters against the declarations of a notebook's `parameters` cell with the TypeScript compiler. */

import { closest } from "fastest-levenshtein";
import ts from "typescript";
import { NotebookError } from "../errors";
import type { ParameterInput } from "./parameters";

/** A variable of the `parameters` cell. */
export interface DeclaredParameter {
  readonly name: string;
  /** As annotated, else as inferred from the default. */
  readonly type: string;
}

/** A parameter with the value and the type it is injected with. */
export interface ResolvedParameter {
  readonly name: string;
  readonly value: unknown;
  /** Undefined where the cell declares no useful type. */
  readonly type: string | undefined;
}

/** The types a parameter may be written with; the standard library would take ten times as long to load. */
const LIBRARY = `
interface Array<T> { length: number; [index: number]: T }
interface ReadonlyArray<T> { readonly length: number; readonly [index: number]: T }
interface Boolean {} interface CallableFunction {} interface Function {} interface IArguments {}
interface NewableFunction {} interface Number {} interface Object {} interface RegExp {} interface String {}
declare var NaN: number; declare var Infinity: number; declare var undefined: undefined;
type Record<K extends string | number | symbol, T> = { [P in K]: T };
type Readonly<T> = { readonly [P in keyof T]: T[P] };
type Partial<T> = { [P in keyof T]?: T[P] };
`;

/** The variables declared in the source of a `parameters` cell. */
export function declaredParameters(source: string): DeclaredParameter[] {
  const { program, file } = compile(source);
  const checker = program.getTypeChecker();
  return declarationsOf(file).map(({ name, type }) => ({
    name: name.text,
    type:
      type?.getText(file) ?? checker.typeToString(checker.getBaseTypeOfLiteralType(checker.getTypeAtLocation(name))),
  }));
}

/**
 * Picks for each input the first candidate that its declared type admits.
 *
 * @param source of the `parameters` cell
 * @param path of the notebook, for errors
 * @throws {NotebookError} listing every name the cell does not declare and every value of a wrong type.
 */
export function resolveParameters(
  source: string,
  inputs: readonly ParameterInput[],
  path: string,
): ResolvedParameter[] {
  const declared = new Map(declaredParameters(source).map((parameter) => [parameter.name, parameter.type]));
  const problems = inputs
    .filter(({ name }) => !declared.has(name))
    .map(({ name }) => describeUnknown(name, [...declared.keys()], path));
  // One program checks all candidates: each stands in a block of its own below the cell's declarations.
  let text = `${source}\n`;
  const trials = inputs.flatMap(({ name, candidates }) =>
    candidates.filter(isRepresentable).map((value) => {
      const type = declared.get(name);
      const start = text.length;
      text += `{ ${translate({ name, value, type: usefulType(type) })} }\n`;
      return { name, value, start, end: text.length };
    }),
  );
  const { program, file } = compile(text);
  const faults = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
  const resolved: ResolvedParameter[] = [];
  for (const { name, candidates } of inputs) {
    if (!declared.has(name)) continue;
    const fits = trials.find(
      (trial) => trial.name === name && !faults.some(({ start = -1 }) => start >= trial.start && start < trial.end),
    );
    const type = declared.get(name)!;
    if (fits !== undefined) resolved.push({ name, value: fits.value, type: usefulType(type) });
    else
      problems.push(`Cannot set parameter "${name}" of "${path}" to ${show(candidates.at(-1))}: its type is ${type}`);
  }
  if (problems.length > 0) throw new NotebookError(problems.join("\n"), { path, isRequest: true });
  return resolved;
}

/** The statement that sets a parameter: `let name: type = value;`. */
export function translate({ name, value, type }: ResolvedParameter): string {
  return `let ${name}${type === undefined ? "" : `: ${type}`} = ${literal(value)};`;
}

/** False for what TypeScript cannot say exactly, such as an integer beyond 2^53. */
export function isRepresentable(value: unknown): boolean {
  if (typeof value === "number") return !Number.isInteger(value) || Number.isSafeInteger(value);
  if (Array.isArray(value)) return value.every(isRepresentable);
  if (typeof value !== "object" || value === null) return typeof value !== "bigint";
  return Object.getPrototypeOf(value) === Object.prototype && Object.values(value).every(isRepresentable);
}

function literal(value: unknown): string {
  if (typeof value === "number") return String(value); // NaN and Infinity included
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(([key, inner]) => `${quote(key)}: ${literal(inner)}`);
    return `{ ${entries.join(", ")} }`;
  }
  return typeof value === "string" ? quote(value) : String(value);
}

/** Line separators inside a string end a line for some JavaScript tools. */
function quote(text: string): string {
  return JSON.stringify(text)
    .replace(/\u2028/g, "\\u2028")
    .replace(/\u2029/g, "\\u2029");
}

/** An evolving or empty type says less than none: `let xs = []` is inferred as `any[]`. */
function usefulType(type: string | undefined): string | undefined {
  return type === undefined || /\b(any|never)\b/.test(type) ? undefined : type;
}

function describeUnknown(name: string, known: readonly string[], path: string): string {
  if (known.length === 0) return `Cannot set parameter "${name}" of "${path}": its parameters cell declares none`;
  const guess = closest(name, [...known]);
  return `Cannot set parameter "${name}" of "${path}": its parameters cell declares ${known.join(", ")}; did you mean "${guess}"?`;
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}

function declarationsOf(file: ts.SourceFile): { name: ts.Identifier; type: ts.TypeNode | undefined }[] {
  return file.statements
    .filter(ts.isVariableStatement)
    .flatMap((statement) => [...statement.declarationList.declarations])
    .flatMap(({ name, type }) => (ts.isIdentifier(name) ? [{ name, type }] : []));
}

function compile(source: string): { program: ts.Program; file: ts.SourceFile } {
  const target = ts.ScriptTarget.ES2022;
  const texts = new Map([
    ["lib.d.ts", LIBRARY],
    ["cell.ts", source],
  ]);
  const host: ts.CompilerHost = {
    getSourceFile: (name) => {
      const text = texts.get(name);
      return text === undefined ? undefined : ts.createSourceFile(name, text, target, true);
    },
    getDefaultLibFileName: () => "lib.d.ts",
    writeFile: () => {},
    getCurrentDirectory: () => "/",
    getCanonicalFileName: (name) => name,
    useCaseSensitiveFileNames: () => true,
    getNewLine: () => "\n",
    fileExists: (name) => texts.has(name),
    readFile: (name) => texts.get(name),
  };
  const program = ts.createProgram(["cell.ts"], { strict: true, types: [], target, noResolve: true }, host);
  return { program, file: program.getSourceFile("cell.ts")! };
}
