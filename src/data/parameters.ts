/** The fifteen seismic parameters: symbol, unit, label column, class edges and whether the value is a phase. */

import { arange, linspace } from "./ranges";

/** The short names of the parameters, as the network's heads carry them. */
export const HEAD_NAMES = [
  "dnu",
  "dp",
  "q",
  "acr",
  "aer",
  "a3",
  "inc",
  "epp",
  "epg",
  "numax",
  "snr",
  "gamma",
  "vl1",
  "vl2",
  "vl3",
] as const;

/** A parameter that a head of the network reads. */
export type HeadName = (typeof HEAD_NAMES)[number];

/** The number of label columns that follow the powers in a shard row. */
export const LABEL_COLUMNS = 36;

/** One of the fifteen parameters: its names, its unit, its label column and the edges of its classes. */
export interface SeismicParameter {
  readonly name: HeadName;
  /** As written in the literature, for axes and tables. */
  readonly symbol: string;
  /** Empty for a ratio or a phase. */
  readonly unit: string;
  readonly description: string;
  /** The 0-based label column the value is read from. */
  readonly column: number;
  /** The label column the value is divided by, if any. */
  readonly dividedByColumn?: number;
  /** True for a phase: 0 and 1 are the same star, and errors are measured around the circle. */
  readonly isCircular: boolean;
  /** Ascending class edges; class k holds edges[k] <= value < edges[k + 1]. */
  readonly edges: Float64Array;
}

/** Edges with their first and last value moved outwards, so that the ends of the prior fall inside a class. */
function withEnds(inner: Float64Array, first: number, last: number): Float64Array {
  const edges = inner.slice();
  edges[0] = first;
  edges[edges.length - 1] = last;
  return edges;
}

/** Edges with their first value moved outwards and one more edge at the end. */
function withFirstAndExtra(inner: Float64Array, first: number, extra: number): Float64Array {
  const edges = Float64Array.from([...inner, extra]);
  edges[0] = first;
  return edges;
}

const TABLE: readonly SeismicParameter[] = [
  {
    name: "dnu",
    symbol: "Δν",
    unit: "µHz",
    description: "large frequency separation",
    column: 12,
    isCircular: false,
    edges: withFirstAndExtra(arange(1, 19, 0.1), 0.99, 19.01),
  },
  {
    name: "dp",
    symbol: "ΔΠ₁",
    unit: "s",
    description: "period spacing of dipole g modes",
    column: 17,
    isCircular: false,
    edges: withFirstAndExtra(Float64Array.from([...arange(40, 152.5, 2.5), ...arange(157, 500, 7)]), 39.99, 501),
  },
  {
    name: "q",
    symbol: "q",
    unit: "",
    description: "coupling factor of mixed modes",
    column: 19,
    isCircular: false,
    edges: withFirstAndExtra(arange(0, 0.74, 0.02), -0.01, 0.751),
  },
  {
    name: "acr",
    symbol: "Ω_core",
    unit: "µHz",
    description: "rotation frequency of the core",
    column: 1,
    isCircular: false,
    edges: withEnds(linspace(0.05, 2.8, 29), 0.04, 2.81),
  },
  {
    name: "aer",
    symbol: "Ω_env",
    unit: "µHz",
    description: "rotation frequency of the envelope",
    column: 0,
    isCircular: false,
    edges: withEnds(linspace(0.1, 0.4, 12), 0.099, 0.401),
  },
  {
    name: "a3",
    symbol: "a₃/Ω_env",
    unit: "",
    description: "latitudinal differential rotation, relative to the envelope's rotation",
    column: 6,
    dividedByColumn: 0,
    isCircular: false,
    edges: Float64Array.of(-0.41, -0.2, 0, 0.2, 0.41),
  },
  {
    name: "inc",
    symbol: "i",
    unit: "°",
    description: "inclination of the rotation axis",
    column: 35,
    isCircular: false,
    edges: withEnds(linspace(0, 90, 19), -0.01, 90.01),
  },
  {
    name: "epp",
    symbol: "ε_p",
    unit: "",
    description: "phase offset of p modes",
    column: 13,
    isCircular: true,
    edges: withEnds(linspace(0, 1, 21), -0.01, 1.01),
  },
  {
    name: "epg",
    symbol: "ε_g",
    unit: "",
    description: "phase offset of g modes",
    column: 18,
    isCircular: true,
    edges: withEnds(linspace(0, 1, 11), -0.01, 1.01),
  },
  {
    name: "numax",
    symbol: "ν_max",
    unit: "µHz",
    description: "frequency of maximum oscillation power",
    column: 34,
    isCircular: false,
    edges: linspace(5, 286, 100),
  },
  {
    name: "snr",
    symbol: "HNR",
    unit: "",
    description: "height-to-background ratio of the tallest radial mode",
    column: 20,
    isCircular: false,
    edges: withEnds(linspace(8, 154.13, 17), 2, 170),
  },
  {
    name: "gamma",
    symbol: "Γ_max",
    unit: "µHz",
    description: "linewidth of radial modes at the frequency of maximum power",
    column: 21,
    isCircular: false,
    edges: withFirstAndExtra(arange(0.01, 0.335, 0.025), 0.005, 0.351),
  },
  {
    name: "vl1",
    symbol: "V₁",
    unit: "",
    description: "power visibility of dipole modes, the radial modes' being 1",
    column: 23,
    isCircular: false,
    edges: withEnds(linspace(0.3, 2.5, 12), 0.29, 2.51),
  },
  {
    name: "vl2",
    symbol: "V₂",
    unit: "",
    description: "power visibility of quadrupole modes",
    column: 24,
    isCircular: false,
    edges: withEnds(linspace(0.15, 0.8, 11), 0.14, 0.81),
  },
  {
    name: "vl3",
    symbol: "V₃",
    unit: "",
    description: "power visibility of octupole modes",
    column: 25,
    isCircular: false,
    edges: withEnds(linspace(0, 0.1, 11), -0.01, 0.11),
  },
];

/** The fifteen parameters by name, in the order of `HEAD_NAMES`. */
export const PARAMETERS: Readonly<Record<HeadName, SeismicParameter>> = Object.fromEntries(
  TABLE.map((parameter) => [parameter.name, parameter]),
) as Record<HeadName, SeismicParameter>;

/** The seven heads of the published network. */
export const SEVEN_HEADS: readonly HeadName[] = ["dnu", "dp", "q", "acr", "aer", "a3", "inc"];

/** True for the name of one of the fifteen parameters. */
export function isHeadName(name: string): name is HeadName {
  return (HEAD_NAMES as readonly string[]).includes(name);
}

/** The number of classes of a head: one fewer than its edges. */
export function classCount(edges: Float64Array): number {
  return edges.length - 1;
}

/** The value of `parameter` in a row's 36 label columns, in the parameter's unit. */
export function labelValue(parameter: SeismicParameter, columns: ArrayLike<number>): number {
  const value = columns[parameter.column]!;
  return parameter.dividedByColumn === undefined ? value : value / columns[parameter.dividedByColumn]!;
}
