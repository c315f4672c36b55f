/** The part of plotly's figure format that is used here, and the defaults that every figure shares. */

import { type HeadName, PARAMETERS } from "../data/parameters";

/** A figure as plotly.js takes it: plain JSON. */
export interface Figure {
  readonly data: readonly Trace[];
  readonly layout: Layout;
}

export type Trace = ScatterTrace | BarTrace | HeatmapTrace;

/** Names an axis of the layout: `x` is `xaxis`, `x2` is `xaxis2`. */
export type XAxisId = "x" | `x${number}`;
export type YAxisId = "y" | `y${number}`;

interface PanelTrace {
  readonly name?: string;
  readonly xaxis?: XAxisId;
  readonly yaxis?: YAxisId;
  /** False leaves the trace out of the legend. */
  readonly showlegend?: boolean;
}

export interface ScatterTrace extends PanelTrace {
  readonly type: "scatter";
  readonly mode: "lines" | "markers" | "lines+markers";
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly line?: { readonly color: string; readonly width?: number; readonly dash?: "solid" | "dash" | "dot" };
  readonly marker?: {
    readonly color: string;
    readonly size?: number;
    readonly symbol?: MarkerSymbol;
    readonly opacity?: number;
    readonly line?: { readonly color: string; readonly width: number };
  };
  readonly error_y?: {
    readonly type: "data";
    /** Upwards. */
    readonly array: readonly number[];
    /** Downwards. */
    readonly arrayminus: readonly number[];
    readonly color: string;
    readonly thickness: number;
    readonly width: number;
  };
  readonly hovertemplate?: string;
}

export type MarkerSymbol = "circle" | "triangle-up" | "square" | "diamond";

export interface BarTrace extends PanelTrace {
  readonly type: "bar";
  /** The middle of each bar. */
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly width: readonly number[];
  readonly marker: { readonly color: string; readonly line?: { readonly color: string; readonly width: number } };
  readonly hovertemplate?: string;
}

export interface HeatmapTrace extends PanelTrace {
  readonly type: "heatmap";
  /** [rows, columns]; null leaves a cell empty. */
  readonly z: readonly (readonly (number | null)[])[];
  /** Edges of the columns: one more than columns. */
  readonly x: readonly number[];
  /** Edges of the rows: one more than rows. */
  readonly y: readonly number[];
  readonly zmin: number;
  readonly zmax: number;
  readonly colorscale: readonly (readonly [number, string])[];
  readonly showscale: boolean;
  readonly colorbar?: { readonly title: Title; readonly thickness: number };
  readonly hovertemplate?: string;
}

export interface Title {
  readonly text: string;
}

export interface Axis {
  readonly title?: Title;
  readonly type?: "linear" | "log";
  /** Log axes give powers of ten here, as plotly does. */
  readonly range?: readonly [number, number];
  /** The part of the figure's width or height that the axis takes. */
  readonly domain?: readonly [number, number];
  readonly anchor?: XAxisId | YAxisId;
  readonly showticklabels?: boolean;
  /** The distance of ticks; without it, as many as there is room for. */
  readonly dtick?: number;
}

export interface Annotation {
  readonly text: string;
  readonly xref: "paper";
  readonly yref: "paper";
  readonly x: number;
  readonly y: number;
  readonly xanchor: "left" | "center" | "right";
  readonly yanchor: "top" | "bottom";
  readonly showarrow: false;
  readonly font?: { readonly size: number; readonly color: string };
}

/** `xaxis`, `yaxis2` and their like stand beside the fixed keys. */
export interface Layout {
  readonly [axis: `xaxis${string}` | `yaxis${string}`]: Axis;
  readonly title?: Title;
  readonly width?: number;
  readonly height?: number;
  readonly annotations?: readonly Annotation[];
  readonly showlegend?: boolean;
  readonly bargap?: number;
  readonly legend?: { readonly traceorder?: "normal" | "reversed" };
}

/** Okabe & Ito (2008): told apart with every kind of colour vision, and in grey. */
export const PALETTE = {
  black: "#000000",
  orange: "#E69F00",
  sky: "#56B4E9",
  green: "#009E73",
  yellow: "#F0E442",
  blue: "#0072B2",
  vermillion: "#D55E00",
  purple: "#CC79A7",
  grey: "#8C8C8C",
} as const;

/** Lines and letters. */
export const INK = "#1f1f1f";
export const GRID = "#e3e3e3";
export const FONT_FAMILY = "DejaVu Sans, Verdana, sans-serif";
export const FONT_SIZE = 13;

export const DEFAULT_WIDTH = 760;
export const DEFAULT_HEIGHT = 430;

/** From paper white to a dark blue, even in lightness: reads in print and with every kind of colour vision. */
export const SEQUENTIAL: readonly (readonly [number, string])[] = [
  [0, "#ffffff"],
  [0.25, "#c6dbef"],
  [0.5, "#6baed6"],
  [0.75, "#2171b5"],
  [1, "#08306b"],
];

export const GREYS: readonly (readonly [number, string])[] = [
  [0, "#ffffff"],
  [1, "#6e6e6e"],
];

/** A figure with the shared defaults: white paper under dark ink, which reads on a light page and on a dark one. */
export function createFigure(data: readonly Trace[], layout: Layout): Figure {
  const axes = Object.entries(layout).filter(([key]) => isAxisKey(key)) as [string, Axis][];
  const styled = Object.fromEntries(axes.map(([key, axis]) => [key, { ...AXIS_STYLE, ...axis }]));
  return {
    data,
    layout: { ...PAGE_STYLE, ...layout, legend: { ...PAGE_STYLE.legend, ...layout.legend }, ...styled } as Layout,
  };
}

/** True for `xaxis`, `yaxis2` and their like. */
export function isAxisKey(key: string): boolean {
  return /^[xy]axis\d*$/.test(key);
}

/** A parameter's symbol with subscripts as plotly writes them. */
export function symbolOf(head: HeadName): string {
  return PARAMETERS[head].symbol.replace(/_(\w+)/g, "<sub>$1</sub>");
}

/** A quantity with its unit, as it stands on an axis. */
export function withUnit(symbol: string, unit: string): string {
  return unit === "" ? symbol : `${symbol} (${unit})`;
}

const PAGE_STYLE = {
  width: DEFAULT_WIDTH,
  height: DEFAULT_HEIGHT,
  paper_bgcolor: "#ffffff",
  plot_bgcolor: "#ffffff",
  font: { family: FONT_FAMILY, size: FONT_SIZE, color: INK },
  margin: { l: 76, r: 24, t: 64, b: 58 },
  legend: { orientation: "h", x: 0, xanchor: "left", y: 1.01, yanchor: "bottom" },
  hovermode: "closest",
};

const AXIS_STYLE = {
  automargin: true,
  showline: true,
  mirror: true,
  linecolor: INK,
  linewidth: 1,
  ticks: "outside",
  tickcolor: INK,
  showgrid: true,
  gridcolor: GRID,
  zeroline: false,
};
