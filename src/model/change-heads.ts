/** Changes the output layers of heads that two sets of class edges share, and leaves the rest of a network as it is. */

import type { ClassEdges } from "../data/classes";
import type { ModelState, ParameterValues } from "./state";

/** The dense layer that gives a head's outputs: weight [outputs, D], bias [outputs]. */
export interface HeadLayer {
  readonly weight: ParameterValues;
  readonly bias: ParameterValues;
}

type Change = (layer: HeadLayer, oldEdges: Float64Array, edges: Float64Array) => HeadLayer;

/** The weights of a network whose heads go from the edges `from` to the edges `to`: each head's layer is what `change` makes of it. */
export function changeHeads(
  state: ReadonlyMap<string, ParameterValues>,
  from: ClassEdges,
  to: ClassEdges,
  change: Change,
): ModelState {
  const result: ModelState = new Map(state);
  for (const [head, edges] of to) {
    const oldEdges = from.get(head);
    const weight = state.get(`linear_${head}.weight`);
    const bias = state.get(`linear_${head}.bias`);
    if (oldEdges === undefined || weight === undefined || bias === undefined) continue;
    const changed = change({ weight, bias }, oldEdges, edges);
    result.set(`linear_${head}.weight`, changed.weight);
    result.set(`linear_${head}.bias`, changed.bias);
  }
  return result;
}
