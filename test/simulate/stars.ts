/** Stars that the tests simulate. */

import type { StarSpec } from "../../src/simulate";

/** Like KIC 6117517, a giant on the branch (Kallinger 2019; Vrard+ 2016). */
export const BRANCH_STAR: StarSpec = {
  dnu: 10.13,
  dp: 76.7,
  q: 0.11,
  acr: 0.7,
  aer: 0.06,
  a3: 0.2,
  inc: 60,
  epp: 0.207,
  epg: 0.28,
  numax: 120.2,
  snr: 69.8,
  gamma: 0.109,
  vl1: 1.535,
  vl2: 0.585,
  vl3: 0.06,
};

/** Like KIC 9332840, a clump giant. */
export const CLUMP_STAR: StarSpec = {
  ...BRANCH_STAR,
  dnu: 4.47,
  dp: 300.5,
  q: 0.29,
  acr: 0.12,
  epp: 0.779,
  numax: 40.1,
  snr: 18.6,
  gamma: 0.1275,
  vl1: 1.175,
  vl2: 0.79,
};
