/** `{ a, b: [c] = d }` of a declaration as what an assignment assigns to. */

import type * as TypeScript from "typescript";
import type { Compiler } from "./name-symbols";

export interface TargetOptions {
  /** What is assigned in the place of a name. */
  readonly access: (name: TypeScript.Identifier) => TypeScript.Expression;
  /** Compiles presets and computed keys. */
  readonly visit: <T extends TypeScript.Node>(node: T) => T;
}

export function toTarget(
  compiler: Compiler,
  name: TypeScript.BindingName,
  options: TargetOptions,
): TypeScript.Expression {
  const { factory } = compiler;
  const { access, visit } = options;
  if (compiler.isIdentifier(name)) return access(name);
  if (compiler.isArrayBindingPattern(name)) {
    const elements = name.elements.map((element) => {
      if (compiler.isOmittedExpression(element)) return element;
      return element.dotDotDotToken === undefined
        ? withPreset(element)
        : factory.createSpreadElement(toTarget(compiler, element.name, options));
    });
    return compiler.setTextRange(factory.createArrayLiteralExpression(elements), name);
  }
  const properties = name.elements.map((element) => {
    if (element.dotDotDotToken !== undefined)
      return factory.createSpreadAssignment(toTarget(compiler, element.name, options));
    const { propertyName } = element;
    const key = propertyName === undefined ? keyOf(element.name) : visit(propertyName);
    return factory.createPropertyAssignment(key, withPreset(element));
  });
  return compiler.setTextRange(factory.createObjectLiteralExpression(properties), name);

  function withPreset({ name: inner, initializer }: TypeScript.BindingElement): TypeScript.Expression {
    const target = toTarget(compiler, inner, options);
    return initializer === undefined ? target : factory.createAssignment(target, visit(initializer));
  }

  /** Without a key of its own, an element is a plain name. */
  function keyOf(inner: TypeScript.BindingName): TypeScript.Identifier {
    return factory.createIdentifier((inner as TypeScript.Identifier).text);
  }
}
