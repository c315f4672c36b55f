/** The marks of traces: lines, markers with error bars, bars, and the cells of heat maps. */

import type { BarTrace, HeatmapTrace, MarkerSymbol, ScatterTrace, Trace } from "../figure";
import { element, line, short } from "./elements";
import type { Panel } from "./panel";

const DEFAULT_COLOR = "#000000";
const DEFAULT_MARKER_SIZE = 6;

/** The marks of one trace, not yet clipped to the panel. */
export function drawTrace(trace: Trace, panel: Panel): string {
  switch (trace.type) {
    case "scatter":
      return drawScatter(trace, panel);
    case "bar":
      return drawBars(trace, panel);
    case "heatmap":
      return drawHeatmap(trace, panel);
  }
}

/** A sample of a trace for the legend, in a box of 24 pixels centred at (x, y). */
export function drawSample(trace: Trace, x: number, y: number): string {
  if (trace.type === "heatmap") return "";
  if (trace.type === "bar") {
    return element("rect", { x: x - 8, y: y - 6, width: 16, height: 12, fill: trace.marker.color });
  }
  const parts: string[] = [];
  if (trace.mode !== "markers") parts.push(strokedPath(`M${short(x - 12)} ${short(y)}H${short(x + 12)}`, trace, 1.4));
  if (trace.mode !== "lines") parts.push(marker(trace, x, y));
  return parts.join("");
}

/** The colour of a share from 0 to 1 on a colour scale. */
export function colorAt(scale: HeatmapTrace["colorscale"], share: number): string {
  const clipped = Math.min(1, Math.max(0, share));
  const upper = Math.max(
    1,
    scale.findIndex(([place]) => place >= clipped),
  );
  const [lowPlace, lowColor] = scale[upper - 1]!;
  const [highPlace, highColor] = scale[upper]!;
  const part = (clipped - lowPlace) / (highPlace - lowPlace);
  const mixed = [1, 3, 5].map((start) => {
    const [a, b] = [lowColor, highColor].map((color) => Number.parseInt(color.slice(start, start + 2), 16));
    return Math.round(a! + part * (b! - a!))
      .toString(16)
      .padStart(2, "0");
  });
  return `#${mixed.join("")}`;
}

function drawScatter(trace: ScatterTrace, panel: Panel): string {
  const points = trace.x.map((x, index) => ({ x: panel.x.toPixel(x), y: panel.y.toPixel(trace.y[index]!) }));
  const parts: string[] = [];
  if (trace.error_y) parts.push(drawErrors(trace, panel));
  if (trace.mode !== "markers") {
    let path = "";
    let isDrawing = false;
    for (const { x, y } of points) {
      const hasPlace = x !== undefined && y !== undefined;
      if (hasPlace) path += `${isDrawing ? "L" : "M"}${short(x)} ${short(y)}`;
      isDrawing = hasPlace;
    }
    if (path !== "") parts.push(strokedPath(path, trace));
  }
  if (trace.mode !== "lines") {
    for (const { x, y } of points) if (x !== undefined && y !== undefined) parts.push(marker(trace, x, y));
  }
  return parts.join("");
}

function strokedPath(path: string, trace: ScatterTrace, minimumWidth = 0): string {
  const { color = DEFAULT_COLOR, width = 1.5, dash = "solid" } = trace.line ?? {};
  return element("path", {
    d: path,
    fill: "none",
    stroke: color,
    "stroke-width": Math.max(width, minimumWidth),
    "stroke-linejoin": "round",
    "stroke-dasharray": { solid: undefined, dash: "7 4", dot: "2 3" }[dash],
  });
}

function marker(trace: ScatterTrace, x: number, y: number): string {
  const {
    color = DEFAULT_COLOR,
    size = DEFAULT_MARKER_SIZE,
    symbol = "circle",
    opacity,
    line: edge,
  } = trace.marker ?? {};
  const paint = { fill: color, "fill-opacity": opacity, stroke: edge?.color, "stroke-width": edge?.width };
  const r = size / 2;
  if (symbol === "circle") return element("circle", { cx: x, cy: y, r, ...paint });
  return element("polygon", {
    points: SHAPES[symbol].map(([dx, dy]) => `${short(x + dx * r)},${short(y + dy * r)}`).join(" "),
    ...paint,
  });
}

/** Corners around the centre, in radii. */
const SHAPES: Readonly<Record<Exclude<MarkerSymbol, "circle">, readonly (readonly [number, number])[]>> = {
  "triangle-up": [
    [0, -1.25],
    [1.1, 0.75],
    [-1.1, 0.75],
  ],
  square: [
    [-0.9, -0.9],
    [0.9, -0.9],
    [0.9, 0.9],
    [-0.9, 0.9],
  ],
  diamond: [
    [0, -1.3],
    [1.1, 0],
    [0, 1.3],
    [-1.1, 0],
  ],
};

function drawErrors(trace: ScatterTrace, panel: Panel): string {
  const { array, arrayminus, color, thickness } = trace.error_y!;
  return trace.x
    .map((value, index) => {
      const x = panel.x.toPixel(value);
      const low = panel.y.toPixel(trace.y[index]! - arrayminus[index]!);
      const high = panel.y.toPixel(trace.y[index]! + array[index]!);
      return x === undefined || low === undefined || high === undefined ? "" : line(x, low, x, high, color, thickness);
    })
    .join("");
}

function drawBars(trace: BarTrace, panel: Panel): string {
  const base = panel.y.toPixel(0) ?? panel.box.bottom;
  return trace.x
    .map((center, index) => {
      const left = panel.x.toPixel(center - trace.width[index]! / 2);
      const right = panel.x.toPixel(center + trace.width[index]! / 2);
      const top = panel.y.toPixel(trace.y[index]!);
      if (left === undefined || right === undefined || top === undefined || trace.y[index] === 0) return "";
      const { color, line: edge } = trace.marker;
      return element("rect", {
        x: left,
        y: top,
        width: right - left,
        height: base - top,
        fill: color,
        stroke: edge && edge.width > 0 ? edge.color : undefined,
        "stroke-width": edge && edge.width > 0 ? edge.width : undefined,
      });
    })
    .join("");
}

/** Neighbours of one colour become one rectangle; empty cells none. */
function drawHeatmap(trace: HeatmapTrace, panel: Panel): string {
  const cells: string[] = [];
  const columns = trace.x.map((edge) => panel.x.toPixel(edge)!);
  trace.z.forEach((row, rowIndex) => {
    const bottom = panel.y.toPixel(trace.y[rowIndex]!)!;
    const top = panel.y.toPixel(trace.y[rowIndex + 1]!)!;
    const colors = row.map((value) => (value === null ? undefined : colorAt(trace.colorscale, shareOf(value, trace))));
    for (let start = 0; start < colors.length; ) {
      let end = start + 1;
      while (end < colors.length && colors[end] === colors[start]) end++;
      if (colors[start] !== undefined) {
        const [x, right] = [columns[start]!, columns[end]!];
        cells.push(element("rect", { x, y: top, width: right - x, height: bottom - top, fill: colors[start] }));
      }
      start = end;
    }
  });
  return element("g", { "shape-rendering": "crispEdges" }, ...cells);
}

function shareOf(value: number, { zmin, zmax }: HeatmapTrace): number {
  return zmax > zmin ? (value - zmin) / (zmax - zmin) : 0;
}
