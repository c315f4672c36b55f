/**
 * The top-level names of cells as properties of one object, so that a name is one binding for all cells: whatever reads
 * or assigns it, in whichever cell, at whatever time, also a function or a timer of a cell that has ended. Declared
 * again, it is assigned anew, for older functions too, as in the REPLs of Deno (`let`, `class`) and Node (`var`,
 * `function`). Within a class, an enum or a namespace its name is its own, as everywhere; imports stay live.
 *
 * tslab's converter alone reads names of earlier cells from their exports, which are copies of what those cells' own
 * functions know.
 */

import type * as TypeScript from "typescript";
import { toTarget } from "./binding-target";
import { BIND_IMPORT, CELL_NAMES } from "./channel";
import { type Compiler, hasValue, isAnonymous, isCalled, isLocal, isWithin, localsOf } from "./name-symbols";

export interface CellFiles {
  readonly cell: TypeScript.SourceFile;
  /** Declares what earlier cells have left. */
  readonly earlier: TypeScript.SourceFile | undefined;
}

/**
 * For the time in which a cell is emitted: gives what is to run before TypeScript's own transformers, and leaves to the
 * converter, which asks the checker, only names of earlier cells that are left (`import y = N.y`).
 */
export function withLiveNames(compiler: Compiler, checker: TypeScript.TypeChecker, files: CellFiles): EmitWith {
  return (emit) => {
    const { getSymbolAtLocation } = checker;
    const before = localsOf(files.earlier);
    const transformer = liveNames(compiler, { ...checker }, files);
    checker.getSymbolAtLocation = (node) => {
      const symbol = getSymbolAtLocation(node);
      const isEarlier = symbol !== undefined && isLocal(before, node as TypeScript.Identifier, symbol);
      return isEarlier ? symbol : undefined;
    };
    try {
      return emit(transformer);
    } finally {
      checker.getSymbolAtLocation = getSymbolAtLocation;
    }
  };
}

type EmitWith = <T>(emit: (before: TypeScript.TransformerFactory<TypeScript.SourceFile>) => T) => T;

function liveNames(
  compiler: Compiler,
  checker: TypeScript.TypeChecker,
  { cell, earlier }: CellFiles,
): TypeScript.TransformerFactory<TypeScript.SourceFile> {
  const { factory } = compiler;
  const own = localsOf(cell);
  const before = localsOf(earlier);

  /** The symbol of a name that lives in the object. */
  function liveSymbol(name: TypeScript.Identifier): TypeScript.Symbol | undefined {
    const isShorthand = compiler.isShorthandPropertyAssignment(name.parent);
    const symbol = isShorthand
      ? checker.getShorthandAssignmentValueSymbol(name.parent)
      : checker.getSymbolAtLocation(name);
    if (symbol === undefined) return undefined;
    const isOwn = isLocal(own, name, symbol) && hasValue(compiler, symbol);
    return isOwn || isLocal(before, name, symbol) ? symbol : undefined;
  }

  /** `names.n` in the place of `n`. */
  function access(name: TypeScript.Identifier, isMapped = true): TypeScript.Expression {
    const property = factory.createIdentifier(name.text);
    const whole = factory.createPropertyAccessExpression(factory.createIdentifier(CELL_NAMES), property);
    return isMapped ? compiler.setTextRange(whole, name) : whole;
  }

  function reference(name: TypeScript.Identifier): TypeScript.Expression {
    const symbol = liveSymbol(name);
    if (symbol === undefined || isWithin(compiler, name, symbol)) return name;
    if (!isCalled(compiler, name)) return access(name);
    // As a plain function: the object is nobody's `this`. An error of the call is told at the name, not behind it.
    const plain = factory.createComma(factory.createNumericLiteral(0), access(name, false));
    const whole = compiler.setTextRange(factory.createParenthesizedExpression(plain), name);
    return compiler.setEmitFlags(whole, compiler.EmitFlags.NoTrailingSourceMap);
  }

  /** A block, since the converter would take a last statement that is an expression for the cell's value. */
  function block(expressions: readonly TypeScript.Expression[]): TypeScript.Statement {
    return factory.createBlock(expressions.map((expression) => factory.createExpressionStatement(expression)));
  }

  /** Takes over what a declaration has declared under its own name. */
  function carry(name: TypeScript.Identifier): TypeScript.Expression {
    return factory.createAssignment(access(name), factory.createIdentifier(name.text));
  }

  /** `{ f: () => 1 }.f`, which has the name that a property does not give it. */
  function named(name: TypeScript.Identifier, value: TypeScript.Expression): TypeScript.Expression {
    const holder = factory.createObjectLiteralExpression([factory.createPropertyAssignment(name.text, value)]);
    return factory.createPropertyAccessExpression(holder, name.text);
  }

  return (context) => {
    const visit = <T extends TypeScript.Node>(node: T): T => compiler.visitNode(node, visitor) as T;
    const target = (name: TypeScript.BindingName): TypeScript.Expression => toTarget(compiler, name, { access, visit });

    const visitor = (node: TypeScript.Node): TypeScript.VisitResult<TypeScript.Node | undefined> => {
      if (compiler.isTypeNode(node) && !compiler.isExpressionWithTypeArguments(node)) return node;
      if (compiler.isHeritageClause(node) && node.token === compiler.SyntaxKind.ImplementsKeyword) return node;
      if (compiler.isImportEqualsDeclaration(node))
        return isImportedValue(node.name) ? [node, block([carry(node.name)])] : node;
      if (compiler.isImportDeclaration(node)) return [node, ...imported(node)];
      if (compiler.isExportDeclaration(node)) return exported(node);
      if (compiler.isVariableStatement(node) && isLive(node.declarationList)) return declared(node.declarationList);
      if (compiler.isVariableDeclarationList(node) && isLive(node)) return loopHead(node);
      if (compiler.isShorthandPropertyAssignment(node)) return shorthand(node);
      if (compiler.isBinaryExpression(node)) return assignment(node);
      if (compiler.isIdentifier(node)) return isNameOf(node.parent, node) ? node : reference(node);
      const visited = compiler.visitEachChild(node, visitor, context);
      return isScope(node) && isCarried(node) ? [visited, block([carry(node.name as TypeScript.Identifier)])] : visited;
    };

    /** `names.n = value` for each variable, one after another. */
    function declared({ declarations, flags }: TypeScript.VariableDeclarationList): TypeScript.Statement[] {
      const isVar = (flags & compiler.NodeFlags.BlockScoped) === 0;
      return declarations.flatMap((declaration) => {
        const { name, initializer } = declaration;
        if (initializer === undefined && isVar) return []; // declared once more, it keeps its value
        const value = initializer === undefined ? factory.createVoidZero() : valueFor(name, initializer);
        const whole = compiler.setTextRange(factory.createAssignment(target(name), value), declaration);
        return compiler.setTextRange(block([whole]), declaration);
      });
    }

    /** The `var`s at the head of a loop; its `let`s are its own. */
    function loopHead(list: TypeScript.VariableDeclarationList): TypeScript.Expression | undefined {
      if (!compiler.isForStatement(list.parent)) return target(list.declarations[0]!.name);
      const assignments = list.declarations.flatMap(({ name, initializer }) =>
        initializer === undefined ? [] : [factory.createAssignment(target(name), valueFor(name, initializer))],
      );
      return assignments.length === 0 ? undefined : factory.createCommaListExpression(assignments);
    }

    function assignment(node: TypeScript.BinaryExpression): TypeScript.Expression {
      const { left, operatorToken, right } = node;
      const isPlain = operatorToken.kind === compiler.SyntaxKind.EqualsToken && compiler.isIdentifier(left);
      if (!isPlain || reference(left) === left) return compiler.visitEachChild(node, visitor, context);
      return factory.updateBinaryExpression(node, visit(left), operatorToken, valueFor(left, right));
    }

    function valueFor(name: TypeScript.BindingName, value: TypeScript.Expression): TypeScript.Expression {
      const visited = visit(value);
      return compiler.isIdentifier(name) && isAnonymous(compiler, value) ? named(name, visited) : visited;
    }

    function shorthand(node: TypeScript.ShorthandPropertyAssignment): TypeScript.Node {
      const { name, objectAssignmentInitializer: preset } = node;
      const value = reference(name);
      if (value === name) return compiler.visitEachChild(node, visitor, context);
      const whole = preset === undefined ? value : factory.createAssignment(value, visit(preset));
      return compiler.setTextRange(factory.createPropertyAssignment(name.text, whole), node);
    }

    return (file) => {
      if (file !== cell) return file;
      const { statements } = compiler.visitEachChild(file, visitor, context);
      return factory.updateSourceFile(file, [...hoisted(), ...statements]);
    };
  };

  function isLive({ declarations }: TypeScript.VariableDeclarationList): boolean {
    return declarations.some(({ name }) => namesIn(name).some((inner) => liveSymbol(inner) !== undefined));
  }

  function namesIn(name: TypeScript.BindingName): TypeScript.Identifier[] {
    if (compiler.isIdentifier(name)) return [name];
    return name.elements.flatMap((element) => (compiler.isOmittedExpression(element) ? [] : namesIn(element.name)));
  }

  function isScope(node: TypeScript.Node): node is TypeScript.ClassDeclaration | TypeScript.EnumDeclaration {
    return compiler.isClassDeclaration(node) || compiler.isEnumDeclaration(node) || compiler.isModuleDeclaration(node);
  }

  function isCarried({ parent, name }: TypeScript.NamedDeclaration): boolean {
    if (parent !== cell || name === undefined || !compiler.isIdentifier(name)) return false;
    return liveSymbol(name) !== undefined;
  }

  /** Functions are there before their cell begins. */
  function hoisted(): TypeScript.Statement[] {
    const functions = cell.statements.filter(compiler.isFunctionDeclaration).filter(isCarried);
    const withBody = functions.filter(({ body }) => body !== undefined);
    return withBody.length === 0 ? [] : [block(withBody.map(({ name }) => carry(name!)))];
  }

  /** What a statement imports beside types. */
  function imported({ importClause }: TypeScript.ImportDeclaration): TypeScript.Statement[] {
    if (importClause === undefined || importClause.isTypeOnly) return [];
    const { name, namedBindings: bindings } = importClause;
    const names = name === undefined ? [] : [name];
    if (bindings !== undefined && compiler.isNamespaceImport(bindings)) names.push(bindings.name);
    else if (bindings !== undefined) names.push(...bindings.elements.map((element) => element.name));
    const calls = names.filter(isImportedValue).map(({ text }) => {
      const value = factory.createIdentifier(text);
      const read = factory.createArrowFunction(undefined, undefined, [], undefined, undefined, value);
      const bind = factory.createIdentifier(BIND_IMPORT);
      return factory.createCallExpression(bind, undefined, [factory.createStringLiteral(text), read]);
    });
    return calls.length === 0 ? [] : [block(calls)];
  }

  function isImportedValue(name: TypeScript.Identifier): boolean {
    if (compiler.isImportSpecifier(name.parent) && name.parent.isTypeOnly) return false;
    const { Value, ConstEnum } = compiler.SymbolFlags;
    const symbol = checker.getSymbolAtLocation(name);
    return symbol !== undefined && (checker.getAliasedSymbol(symbol).flags & Value & ~ConstEnum) !== 0;
  }

  /** The converter exports every name of a cell, which the object has without. */
  function exported(node: TypeScript.ExportDeclaration): TypeScript.Node {
    const { exportClause } = node;
    if (node.moduleSpecifier !== undefined || exportClause === undefined || !compiler.isNamedExports(exportClause))
      return node;
    const rest = exportClause.elements.filter(({ propertyName }) => propertyName !== undefined);
    const clause = factory.updateNamedExports(exportClause, rest);
    return factory.updateExportDeclaration(node, node.modifiers, node.isTypeOnly, clause, undefined, undefined);
  }
}

function isNameOf(parent: TypeScript.Node, name: TypeScript.Identifier): boolean {
  return (parent as Partial<TypeScript.NamedDeclaration>).name === name;
}
