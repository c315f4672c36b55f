/** Whether products are worked out in float32 or, on the engine that can, in bfloat16: chosen together with the engine. */

import type { Config } from "../config";

export type Precision = Config["precision"];

let current: Precision = "float32";

/** Sets the precision of the ops that run from now on. */
export function usePrecision(precision: Precision): void {
  current = precision;
}

/** Whether the op about to run multiplies in bfloat16. */
export function isMixed(): boolean {
  return current === "mixed";
}

/** Evaluates in float32 whatever the run's precision is; gradients follow the forward pass. */
export function inFloat32<Result>(evaluate: () => Result): Result {
  const before = current;
  current = "float32";
  try {
    return evaluate();
  } finally {
    current = before;
  }
}

/** What keeps an engine from computing with a precision, in words; null when nothing does. */
export function maybePrecisionProblem(engine: Config["engine"], precision: Precision): string | null {
  if (precision === "float32" || engine === "tensorflow" || engine === "auto") return null;
  return `Setting "precision" is "${precision}": only the engine tensorflow computes so, engine is "${engine}"; set engine to tensorflow, or precision to float32`;
}
