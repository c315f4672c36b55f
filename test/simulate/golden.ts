/** The expected values of test/golden/simulate/make_golden.py. */

import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface Golden {
  readonly lorentzians: {
    readonly first: number;
    readonly step: number;
    readonly points: number;
    readonly peaks: readonly { frequency: number; height: number; width: number }[];
    readonly means: readonly number[];
  };
  readonly shares: readonly { degree: number; inclination: number; shares: readonly number[] }[];
  readonly shear: readonly { degree: number; values: readonly number[] }[];
  readonly mixed: readonly {
    readonly dnu: number;
    readonly epsilon: number;
    readonly shift: number;
    readonly curvature: number;
    readonly numax: number;
    readonly dp: number;
    readonly epg: number;
    readonly q: number;
    readonly low: number;
    readonly high: number;
    readonly frequencies: readonly number[];
    readonly zetas: readonly number[];
  }[];
  readonly background: readonly {
    readonly numax: number;
    readonly amplitude: number;
    readonly knees: readonly [number, number];
    readonly powers: readonly number[];
    readonly frequencies: readonly number[];
    readonly attenuation: readonly number[];
    readonly values: readonly number[];
  }[];
}

export const golden = JSON.parse(
  readFileSync(join(__dirname, "..", "golden", "simulate", "golden.json"), "utf8"),
) as Golden;
