/** Checks the shapes of an op's tensors against named dimensions, before any engine sees them. */

import type { Tensor } from "@tensorflow/tfjs-core";

/** A tensor and the names of its dimensions; equal names must have equal sizes, a number is a fixed size. */
export type ShapeRule = readonly [tensor: Tensor, dimensions: readonly (string | number)[]];

/**
 * Binds dimension names to sizes, in the order of `rules`.
 *
 * @throws RangeError naming the op, the tensor, its shape and the shape it needs; TypeError when a tensor is not float32.
 */
export function matchShapes(op: string, rules: Readonly<Record<string, ShapeRule>>): Record<string, number> {
  const sizes: Record<string, number> = {};
  for (const [name, [tensor, dimensions]] of Object.entries(rules)) {
    if (tensor.dtype !== "float32") {
      throw new TypeError(`Cannot run ${op}: ${name} must be float32, got ${tensor.dtype}`);
    }
    const fits =
      tensor.shape.length === dimensions.length &&
      dimensions.every((dimension, axis) => {
        const size = tensor.shape[axis]!;
        if (typeof dimension === "number") return size === dimension;
        sizes[dimension] ??= size;
        return sizes[dimension] === size;
      });
    if (!fits)
      throw new RangeError(
        `Cannot run ${op}: ${name} has shape [${tensor.shape.join(", ")}], expected ${expected(dimensions, sizes)}`,
      );
    if (tensor.size === 0)
      throw new RangeError(`Cannot run ${op}: ${name} is empty, its shape is [${tensor.shape.join(", ")}]`);
  }
  return sizes;
}

function expected(dimensions: readonly (string | number)[], sizes: Readonly<Record<string, number>>): string {
  const names = dimensions.map((dimension) =>
    typeof dimension === "string" && sizes[dimension] !== undefined
      ? `${dimension} = ${sizes[dimension]}`
      : `${dimension}`,
  );
  return `[${names.join(", ")}]`;
}
