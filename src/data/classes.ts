/** Classes and the values they stand for: each head's edges, centres and widths in the parameter's unit. */

import { ConfigError } from "../errors";
import { digitizeValue } from "./binning";
import { type HeadName, PARAMETERS } from "./parameters";

/** Class edges by head, in the heads' order. */
export type ClassEdges = ReadonlyMap<HeadName, Float64Array>;

/**
 * The class edges of the heads: the table's, or those given instead.
 *
 * @throws {ConfigError} when given edges do not ascend or make fewer than two classes.
 */
export function resolveClassEdges(
  heads: readonly HeadName[],
  replaced: Readonly<Partial<Record<HeadName, ArrayLike<number>>>> = {},
): Map<HeadName, Float64Array> {
  return new Map(
    heads.map((head) => {
      const given = replaced[head];
      const edges = given === undefined ? PARAMETERS[head].edges.slice() : Float64Array.from(given);
      const ascends = edges.every((edge, index) => Number.isFinite(edge) && (index === 0 || edge > edges[index - 1]!));
      if (!ascends || edges.length < 3) {
        throw new ConfigError(`Setting "edges.${head}" must ascend and have at least 3 edges, it has ${edges.length}`);
      }
      return [head, edges];
    }),
  );
}

/** The number of classes of each head. */
export function classCounts(edges: ClassEdges): Map<HeadName, number> {
  return new Map([...edges].map(([head, values]) => [head, values.length - 1]));
}

/** The middle of each class: [classes]. */
export function classCenters(edges: Float64Array): Float64Array {
  return Float64Array.from({ length: edges.length - 1 }, (_, index) => (edges[index]! + edges[index + 1]!) / 2);
}

/** The width of each class: [classes]. */
export function classWidths(edges: Float64Array): Float64Array {
  return Float64Array.from({ length: edges.length - 1 }, (_, index) => edges[index + 1]! - edges[index]!);
}

/** The class of a value, clipped into the first or last class when it lies outside the edges; NaN gives the last. */
export function classOfValue(value: number, edges: Float64Array): number {
  return Math.min(Math.max(digitizeValue(value, edges) - 1, 0), edges.length - 2);
}
