/** Takes a regression's weights over to heads with another range of classes: the values stay, their scale changes. */

import type { ClassEdges } from "../data/classes";
import { changeHeads } from "./change-heads";
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
  return changeHeads(state, from, to, ({ weight, bias }, oldEdges, edges) => {
    const range = edges.at(-1)! - edges[0]!;
    const factor = (oldEdges.at(-1)! - oldEdges[0]!) / range;
    const offset = (oldEdges[0]! - edges[0]!) / range;
    const inputs = weight.data.length / bias.data.length;
    const rows = weight.data.map((value, index) => (index < inputs ? factor * value : value));
    const shifts = bias.data.map((value, output) =>
      output === 0 ? factor * value + offset : value + 2 * Math.log(factor),
    );
    return { weight: { shape: weight.shape, data: rows }, bias: { shape: bias.shape, data: shifts } };
  });
}
