/** Does a spectrum show oscillations that the network can read? */

import type { ClassicalEstimate } from "../classical";
import { DETECTION_STRENGTH, shareDetected } from "../classical";
import type { ClassEdges } from "../data/classes";
import { frequencyOfBin, type Grid } from "../data/grid";
import { PARAMETERS } from "../data/parameters";

/** Whether a spectrum shows oscillations. */
export interface Detection {
  /** False: no comb of modes stands out, or it lies outside. Short observations of many giants show none. */
  readonly detected: boolean;
  /** Why, in words. */
  readonly reason: string;
}

/** The classical numax scatters by some percent: only what lies clearly outside is taken to be outside. */
const MARGIN = 0.15;

/** Where more giants show a comb, its absence tells. */
const MOST_SHARE = 0.85;

/** Judges by the comb of modes and by where the power stands out, without the network. */
export function detectionOf(estimate: ClassicalEstimate, classEdges: ClassEdges, grid: Grid): Detection {
  const { isDetected, strength, numax, resolutionUHz } = estimate;
  if (!isDetected) {
    const [low, high] = [frequencyOfBin(0, grid), frequencyOfBin(grid.points - 1, grid)];
    const range = `${low.toFixed(1)} and ${high.toFixed(0)} µHz`;
    const share = shareDetected(1e6 / 86400 / resolutionUHz);
    return {
      detected: false,
      reason:
        `no comb of modes between ${range}: strength ${strength.toFixed(0)}, expected above ${DETECTION_STRENGTH}` +
        (share < MOST_SHARE ? `; of giants observed as briefly about ${10 * Math.round(10 * share)} % reach that` : ""),
    };
  }
  const edges = classEdges.get("numax") ?? PARAMETERS.numax.edges;
  const [low, high] = [edges[0]!, edges.at(-1)!];
  if (numax < low * (1 - MARGIN) || numax > high * (1 + MARGIN)) {
    const band = `${low.toFixed(0)} to ${high.toFixed(0)} µHz`;
    return { detected: false, reason: `numax is about ${numax.toPrecision(2)} µHz, outside the network's ${band}` };
  }
  return { detected: true, reason: `comb of modes about ${numax.toPrecision(3)} µHz: strength ${strength.toFixed(0)}` };
}
