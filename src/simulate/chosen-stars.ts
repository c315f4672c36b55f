/** Stars of a prior that pass a filter on their labels. */

import type { Filter } from "../config";
import { compileFilter } from "../data/label-table";
import { ConfigError } from "../errors";
import { labelColumns } from "./labels";
import type { PriorName } from "./priors";
import { type StarSource, starOf } from "./simulate-star";
import type { Star } from "./star";

/** More draws without a star are a filter that the prior does not meet. */
const MOST_DRAWS = 10_000;

export interface ChosenStar {
  readonly star: Star;
  /** [36], see `labelColumns` */
  readonly columns: Float64Array;
}

/**
 * Draws stars until one passes.
 *
 * @param name names the stars in errors
 * @returns gives the star of a source: the first of its draws that passes, the first of all without a filter
 * @throws {DataError} when the filter names an unknown column.
 * @throws {ConfigError} (the function returned) when none of 10,000 draws passes.
 */
export function chosenStars(
  prior: PriorName,
  filter: readonly Filter[],
  name: string,
): (source: StarSource) => ChosenStar {
  const passes = filter.map((condition) => compileFilter(condition, name));
  return (source) => {
    for (let draw = 0; draw < MOST_DRAWS; draw++) {
      const star = starOf(prior, { ...source, draw });
      const columns = labelColumns(star);
      if (passes.every((pass) => pass(columns))) return { star, columns };
    }
    const conditions = filter.map(({ column, op, value }) => `${column} ${op} ${value}`).join(" and ");
    const problem = `Setting "filter" leaves none of ${MOST_DRAWS} stars of the prior "${prior}": ${conditions}`;
    throw new ConfigError(problem, [problem]);
  };
}
