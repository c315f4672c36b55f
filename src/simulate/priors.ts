/** The priors by name. */

import type { Random } from "../random";
import { drawFlat } from "./prior-flat";
import { drawPopulation } from "./prior-population";
import { drawReference } from "./prior-reference";
import { resolveStar, type Star } from "./star";

/** The distributions that stars are drawn from; the first is the default. */
export const PRIOR_NAMES = ["population", "flat", "reference"] as const;

/** A distribution that stars are drawn from. */
export type PriorName = (typeof PRIOR_NAMES)[number];

const DRAW: Readonly<Record<PriorName, (random: Random) => Star>> = {
  population: drawPopulation,
  flat: drawFlat,
  reference: drawReference,
};

/** True for the name of a prior. */
export function isPriorName(name: string): name is PriorName {
  return (PRIOR_NAMES as readonly string[]).includes(name);
}

/** Draws the parameters of one star. */
export function drawStar(prior: PriorName, random: Random): Star {
  return resolveStar(DRAW[prior](random));
}
