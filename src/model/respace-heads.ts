/** Takes a network's weights over to heads with other class edges: the posterior densities stay, the classes change. */

import { type ClassEdges, classCenters, classOfValue, classWidths } from "../data/classes";
import { changeHeads } from "./change-heads";
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
  return changeHeads(state, from, to, (layer, oldEdges, edges) => {
    const { weight, bias } = layer;
    if (bias.data.length !== oldEdges.length - 1 || isSame(oldEdges, edges)) return layer;
    const sources = Array.from(classCenters(edges), (center) => classOfValue(center, oldEdges));
    const [widths, oldWidths] = [classWidths(edges), classWidths(oldEdges)];
    const inputs = weight.data.length / bias.data.length;
    const rows = new Float32Array(sources.length * inputs);
    sources.forEach((source, index) => {
      rows.set(weight.data.subarray(source * inputs, (source + 1) * inputs), index * inputs);
    });
    const shifts = Float32Array.from(
      sources,
      (source, index) => bias.data[source]! + Math.log(widths[index]! / oldWidths[source]!),
    );
    return {
      weight: { shape: [sources.length, inputs], data: rows },
      bias: { shape: [sources.length], data: shifts },
    };
  });
}

function isSame(edges: Float64Array, others: Float64Array): boolean {
  return edges.length === others.length && edges.every((edge, index) => edge === others[index]);
}
