/** What the network is trained to give for the rows of a batch. */

import type { Loss } from "../config";
import type { ClassEdges } from "../data/classes";
import type { Batch } from "../data/source";

/**
 * Classes as they are, or values scaled to [0, 1] over the range of their class edges and clipped to it, as
 * out-of-range classes are. Phases are scaled like any other value: a regression does not know that 0 and 1 meet.
 *
 * @returns [size, heads]
 */
export function targetsOf(
  loss: Loss,
  batch: Pick<Batch, "labels" | "values">,
  edges: ClassEdges,
): Int32Array | Float32Array {
  if (loss === "sparse_categorical_crossentropy") return batch.labels;
  const ranges = [...edges.values()];
  return Float32Array.from(batch.values, (value, index) => scaleToRange(value, ranges[index % ranges.length]!));
}

/** (value - first edge) / (last edge - first edge), clipped to [0, 1]. */
export function scaleToRange(value: number, edges: Float64Array): number {
  const minimum = edges[0]!;
  return Math.min(1, Math.max(0, (value - minimum) / (edges.at(-1)! - minimum)));
}
