/** Takes a network's weights over to heads with other class edges: the posterior densities stay, the classes change. */

import { type ClassEdges, classCenters, classOfValue, classWidths } from "../data/classes";
import type { ModelState, ParameterValues } from "./state";

/**
 * The weights of a network that gives, over the classes `to`, the densities it gave over the classes `from`: a new class
 * takes the weights of the old one that its middle lies in, and log(new width / old width) more. Exact where the new edges
 * divide the old classes; heads whose edges stay, or that are in one of the two only, are left as they are.
 *
 * @param state with heads that give logits, [classes, D] and [classes]; not changed
 */
export function respaceHeads(
  state: ReadonlyMap<string, ParameterValues>,
  from: ClassEdges,
  to: ClassEdges,
): ModelState {
  const result: ModelState = new Map(state);
  for (const [head, edges] of to) {
    const oldEdges = from.get(head);
    const weight = state.get(`linear_${head}.weight`);
    const bias = state.get(`linear_${head}.bias`);
    if (oldEdges === undefined || weight === undefined || bias === undefined) continue;
    if (bias.data.length !== oldEdges.length - 1 || isSame(oldEdges, edges)) continue;
    const sources = Array.from(classCenters(edges), (center) => classOfValue(center, oldEdges));
    const [widths, oldWidths] = [classWidths(edges), classWidths(oldEdges)];
    const inputs = weight.data.length / bias.data.length;
    const rows = new Float32Array(sources.length * inputs);
    sources.forEach((source, index) => {
      rows.set(weight.data.subarray(source * inputs, (source + 1) * inputs), index * inputs);
    });
    result.set(`linear_${head}.weight`, { shape: [sources.length, inputs], data: rows });
    result.set(`linear_${head}.bias`, {
      shape: [sources.length],
      data: Float32Array.from(
        sources,
        (source, index) => bias.data[source]! + Math.log(widths[index]! / oldWidths[source]!),
      ),
    });
  }
  return result;
}

function isSame(edges: Float64Array, others: Float64Array): boolean {
  return edges.length === others.length && edges.every((edge, index) => edge === others[index]);
}
