/** The 36 label columns that follow the powers in a shard row, as the original simulator's configuration orders them. */

import { LABEL_COLUMNS } from "./parameters";

/**
 * Names of the label columns. Columns 26 to 33 follow the simulator's configuration order; the rest is confirmed by the
 * indices of the original training program.
 */
export const LABEL_COLUMN_NAMES: readonly string[] = [
  "nurot_env",
  "nurot_core",
  "a2_l1_core",
  "a2_l1_env",
  "a2_l2_env",
  "a2_l3_env",
  "a3_l2_env",
  "a3_l3_env",
  "a4_l2_env",
  "a4_l3_env",
  "a5_l3_env",
  "a6_l3_env",
  "Dnu",
  "epsilon",
  "delta0l_percent",
  "beta_p_star",
  "nmax_spread",
  "DP1",
  "alpha",
  "q",
  "SNR",
  "maxGamma",
  "numax_spread",
  "Vl1",
  "Vl2",
  "Vl3",
  "H0_spread",
  "A_Pgran",
  "B_Pgran",
  "C_Pgran",
  "A_taugran",
  "B_taugran",
  "C_taugran",
  "P",
  "numax",
  "inc",
];

/** What the original simulator writes into a column that does not apply; such a value is no label. */
export const MISSING_LABEL = -9999;

/** The number of powers in a shard row of `columns` values; at most 0 when the row cannot hold the labels. */
export function pointsOfRow(columns: number): number {
  return columns - LABEL_COLUMNS;
}
