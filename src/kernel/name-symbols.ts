/** What the compiler knows of a cell's top-level names. */

import type * as TypeScript from "typescript";

export type Compiler = typeof TypeScript;
export type Locals = ReadonlyMap<string, LocalSymbol>;
/** The fields are TypeScript's own, as the converter uses them. */
export type LocalSymbol = TypeScript.Symbol & {
  readonly exportSymbol?: TypeScript.Symbol;
  readonly constEnumOnlyModule?: boolean;
};

/** The names that a file declares at its top, with the `var`s of its blocks. */
export function localsOf(file: TypeScript.SourceFile | undefined): Locals {
  return (file as { locals?: Locals } | undefined)?.locals ?? new Map();
}

export function isLocal(locals: Locals, name: TypeScript.Identifier, symbol: TypeScript.Symbol): boolean {
  const local = locals.get(name.text);
  return local !== undefined && (local === symbol || local.exportSymbol === symbol);
}

/** Whether a file gives the name a value when it runs: no type, nothing that is declared to be elsewhere, no import. */
export function hasValue(compiler: Compiler, symbol: LocalSymbol): boolean {
  const { Alias, ConstEnum, Value } = compiler.SymbolFlags;
  if ((symbol.flags & Alias) !== 0 || (symbol.flags & Value & ~ConstEnum) === 0) return false;
  if (symbol.constEnumOnlyModule === true) return false;
  return (symbol.declarations ?? []).some(
    (declaration) => (compiler.getCombinedModifierFlags(declaration) & compiler.ModifierFlags.Ambient) === 0,
  );
}

/** Whether a name stands within the class, enum or namespace that it names, which has a binding of its own there. */
export function isWithin(compiler: Compiler, name: TypeScript.Node, { declarations = [] }: TypeScript.Symbol): boolean {
  return declarations.some((declaration) => {
    const hasOwn =
      compiler.isClassDeclaration(declaration) ||
      compiler.isEnumDeclaration(declaration) ||
      compiler.isModuleDeclaration(declaration);
    return hasOwn && compiler.findAncestor(name, (node) => node === declaration) !== undefined;
  });
}

/** Whether a name is what a call calls. */
export function isCalled(compiler: Compiler, name: TypeScript.Expression): boolean {
  let whole: TypeScript.Node = name;
  while (isWrapper(compiler, whole.parent)) whole = whole.parent;
  const { parent } = whole;
  return (
    (compiler.isCallExpression(parent) && parent.expression === whole) ||
    (compiler.isTaggedTemplateExpression(parent) && parent.tag === whole)
  );
}

/** Whether an expression is a function or a class that takes its name from what it is assigned to. */
export function isAnonymous(compiler: Compiler, expression: TypeScript.Expression): boolean {
  let bare = expression;
  while (isWrapper(compiler, bare)) bare = bare.expression;
  if (compiler.isArrowFunction(bare)) return true;
  return (compiler.isFunctionExpression(bare) || compiler.isClassExpression(bare)) && bare.name === undefined;
}

type Wrapper =
  | TypeScript.ParenthesizedExpression
  | TypeScript.AsExpression
  | TypeScript.NonNullExpression
  | TypeScript.SatisfiesExpression
  | TypeScript.TypeAssertion;

/** What leaves nothing in the compiled code but the expression. */
function isWrapper(compiler: Compiler, node: TypeScript.Node): node is Wrapper {
  return (
    compiler.isParenthesizedExpression(node) ||
    compiler.isAsExpression(node) ||
    compiler.isNonNullExpression(node) ||
    compiler.isSatisfiesExpression(node) ||
    compiler.isTypeAssertionExpression(node)
  );
}
