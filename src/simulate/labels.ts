/** Between a star and the 36 label columns of a shard row. */

import { MISSING_LABEL } from "../data/columns";
import { type HeadName, LABEL_COLUMNS, labelValue, PARAMETERS } from "../data/parameters";
import type { Star, StarSpec } from "./star";

// Columns that are no target; the fifteen targets take theirs from PARAMETERS.
const A2_L3 = 5;
const A3_L3 = 7;
const DELTA_PERCENT = 14;
const BETA = 15;
const HEIGHT_SPREAD = 26;

/**
 * The label columns of a star: [36]. a3 is stored in µHz. What this simulator's physics does not have is 0 (even
 * splitting coefficients, spreads of n_max and numax, the Harvey terms of the original background); -9999 says that the
 * coefficient of degree 3 is that of degree 2, as in the original.
 */
export function labelColumns(star: Star): Float64Array {
  const columns = new Float64Array(LABEL_COLUMNS);
  for (const { name, column } of Object.values(PARAMETERS)) columns[column] = star[name];
  columns[PARAMETERS.a3.column] = star.a3 * star.aer;
  columns[A2_L3] = MISSING_LABEL;
  columns[A3_L3] = MISSING_LABEL;
  columns[DELTA_PERCENT] = star.deltaPercent;
  columns[BETA] = star.beta;
  columns[HEIGHT_SPREAD] = star.heightSpreadPercent;
  return columns;
}

/**
 * The star that a row's 36 label columns describe, for marking its modes: the frequencies are those of the simulated
 * star (to float32), heights and widths their expected values, as scatter and background are not stored.
 */
export function starOfLabels(columns: ArrayLike<number>): StarSpec {
  const labels = {} as Record<HeadName, number>;
  for (const parameter of Object.values(PARAMETERS)) labels[parameter.name] = labelValue(parameter, columns);
  return {
    ...labels,
    deltaPercent: columns[DELTA_PERCENT]!,
    beta: columns[BETA]!,
    heightSpreadPercent: columns[HEIGHT_SPREAD]!,
  };
}
