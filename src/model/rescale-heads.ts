/** Takes a regression's weights over to heads with another range of classes: the values stay, their scale changes. */

import type { ClassEdges } from "../data/classes";
import type { ModelState, ParameterValues } from "./state";

/**
 * The weights of a network that gives, scaled to the range of the edges `to`, the values (and variances) that it gave scaled
 * to the range of `from`. Heads that are in one of the two only are left as they are.
 *
 * @param state with heads that give a scaled value, [1, D] and [1], or its log variance too, [2, D] and [2]; not changed
 */
export function rescaleHeads(
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
    const range = edges.at(-1)! - edges[0]!;
    const factor = (oldEdges.at(-1)! - oldEdges[0]!) / range;
    const offset = (oldEdges[0]! - edges[0]!) / range;
    const inputs = weight.data.length / bias.data.length;
    result.set(`linear_${head}.weight`, {
      shape: weight.shape,
      data: weight.data.map((value, index) => (index < inputs ? factor * value : value)),
    });
    result.set(`linear_${head}.bias`, {
      shape: bias.shape,
      data: bias.data.map((value, output) => (output === 0 ? factor * value + offset : value + 2 * Math.log(factor))),
    });
  }
  return result;
}
