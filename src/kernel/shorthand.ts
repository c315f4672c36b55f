/**
 * `{ a }` with the variable of an earlier cell. tslab's converter finds those variables by their symbols and writes
 * `exports.a` in their place; the symbol it finds for the name in `{ a }` is that of the property, and `{ exports.a }`
 * would be no JavaScript. So the name is written as `a: a`, and its value has the symbol of the variable.
 */

import type * as TypeScript from "typescript";

type Compiler = typeof TypeScript;

/** For the converter that asks it: the name in a shorthand property stands for the variable. */
export function resolveShorthands(compiler: Compiler, checker: TypeScript.TypeChecker): void {
  if (resolved.has(checker)) return;
  resolved.add(checker);
  const { getSymbolAtLocation } = checker;
  checker.getSymbolAtLocation = (node) => {
    const name = compiler.getParseTreeNode(node);
    const isShorthand = name?.parent !== undefined && compiler.isShorthandPropertyAssignment(name.parent);
    if (!isShorthand || (name.parent as TypeScript.ShorthandPropertyAssignment).name !== name)
      return getSymbolAtLocation(node);
    return checker.getShorthandAssignmentValueSymbol(name.parent);
  };
}

const resolved = new WeakSet<TypeScript.TypeChecker>();

/** To run before TypeScript's own transformers. */
export function expandShorthands(compiler: Compiler): TypeScript.TransformerFactory<TypeScript.SourceFile> {
  const { factory } = compiler;
  return (context) => {
    const visit = (node: TypeScript.Node): TypeScript.Node => {
      if (!compiler.isShorthandPropertyAssignment(node)) return compiler.visitEachChild(node, visit, context);
      // The property's name is of no symbol; the value keeps the place and, by its original, the symbol.
      const value = compiler.setOriginalNode(factory.createIdentifier(node.name.text), node.name);
      const initializer =
        node.objectAssignmentInitializer && compiler.visitNode(node.objectAssignmentInitializer, visit);
      const whole =
        initializer === undefined ? value : factory.createAssignment(value, initializer as TypeScript.Expression);
      const property = factory.createPropertyAssignment(factory.createIdentifier(node.name.text), whole);
      return compiler.setTextRange(property, node);
    };
    return (file) => compiler.visitEachChild(file, visit, context);
  };
}
