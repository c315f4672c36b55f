/** Draws a figure as a static SVG: the same figure gives the same text, on every machine and without a browser. */

import { DEFAULT_HEIGHT, DEFAULT_WIDTH, type Figure, FONT_SIZE, type HeatmapTrace, INK, type Trace } from "../figure";
import { element, line, text, textWidth } from "./elements";
import { colorAt, drawSample, drawTrace } from "./marks";
import { type Box, drawFrame, drawGrid, layoutPanels, type Panel, widestLabel } from "./panel";
import { createScale } from "./scale";

const TITLE_SIZE = FONT_SIZE + 2;
const LEGEND_ROW = 20;
const COLORBAR_WIDTH = 96;
/** For the title of the y axis, its ticks and the air between. */
const LEFT_OF_LABELS = 42;

/** The figure as one SVG document. */
export function renderSvg(figure: Figure): string {
  const { width = DEFAULT_WIDTH, height = DEFAULT_HEIGHT, title } = figure.layout;
  const colorbar = figure.data.find((trace): trace is HeatmapTrace => trace.type === "heatmap" && trace.showscale);
  const legend = legendRows(figure, width - 100);
  const titleHeight = title ? 34 : 10;
  const given: Box = {
    left: 76,
    top: titleHeight + legend.length * LEGEND_ROW + (figure.layout.annotations?.length ? 22 : 8),
    right: width - (colorbar ? COLORBAR_WIDTH : 24),
    bottom: height - 56,
  };
  const area = { ...given, left: Math.max(given.left, widestLabel(layoutPanels(figure, given)) + LEFT_OF_LABELS) };
  const panels = layoutPanels(figure, area);
  const parts = [
    element("rect", { width, height, fill: "#ffffff" }),
    ...panels.map((panel, index) => drawPanel(panel, `panel-${index}`)),
    ...legend.map((row, index) => drawLegendRow(row, area.left, titleHeight + 10 + index * LEGEND_ROW)),
    ...drawAnnotations(figure, area),
  ];
  if (title) parts.push(text(title.text, area.left, 25, { size: TITLE_SIZE, bold: true }));
  if (colorbar) parts.push(drawColorbar(colorbar, area));
  const attributes = { xmlns: "http://www.w3.org/2000/svg", width, height, viewBox: `0 0 ${width} ${height}` };
  return `${element("svg", attributes, ...parts)}\n`;
}

function drawPanel(panel: Panel, id: string): string {
  const { left, top, right, bottom } = panel.box;
  const clip = element(
    "clipPath",
    { id },
    element("rect", { x: left, y: top, width: right - left, height: bottom - top }),
  );
  const traces = panel.traces.map((trace) => drawTrace(trace, panel));
  const isCovered = panel.traces.some((trace) => trace.type === "heatmap");
  const marks = element("g", { "clip-path": `url(#${id})` }, isCovered ? "" : drawGrid(panel), ...traces);
  return clip + marks + drawFrame(panel);
}

interface LegendEntry {
  readonly trace: Trace;
  readonly name: string;
  readonly width: number;
}

/** Named traces in rows no wider than `width`; a single one needs no legend. */
function legendRows(figure: Figure, width: number): LegendEntry[][] {
  const named = figure.data.filter(
    (trace) => trace.name !== undefined && trace.showlegend !== false && trace.type !== "heatmap",
  );
  if (named.length < 2 || figure.layout.showlegend === false) return [];
  if (figure.layout.legend?.traceorder === "reversed") named.reverse();
  const rows: LegendEntry[][] = [[]];
  let used = 0;
  for (const trace of named) {
    const entry = { trace, name: trace.name!, width: 34 + textWidth(trace.name!, FONT_SIZE - 1) + 18 };
    if (used + entry.width > width && used > 0) {
      rows.push([]);
      used = 0;
    }
    rows.at(-1)!.push(entry);
    used += entry.width;
  }
  return rows;
}

function drawLegendRow(row: readonly LegendEntry[], left: number, y: number): string {
  let x = left;
  return row
    .map(({ trace, name, width }) => {
      const parts = drawSample(trace, x + 12, y) + text(name, x + 30, y + 4, { size: FONT_SIZE - 1 });
      x += width;
      return parts;
    })
    .join("");
}

function drawAnnotations(figure: Figure, area: Box): string[] {
  const anchors = { left: "start", center: "middle", right: "end" } as const;
  return (figure.layout.annotations ?? []).map((annotation) => {
    const x = area.left + annotation.x * (area.right - area.left);
    const y = area.bottom - annotation.y * (area.bottom - area.top);
    const { size = FONT_SIZE, color = INK } = annotation.font ?? {};
    const baseline = annotation.yanchor === "bottom" ? y - 4 : y + size;
    return text(annotation.text, x, baseline, { size, anchor: anchors[annotation.xanchor], color });
  });
}

function drawColorbar(trace: HeatmapTrace, area: Box): string {
  const left = area.right + 16;
  const width = trace.colorbar?.thickness ?? 14;
  const steps = 64;
  const height = (area.bottom - area.top) / steps;
  const scale = createScale("linear", [trace.zmin, trace.zmax], area.bottom, area.top);
  const cells = Array.from({ length: steps }, (_, index) =>
    element("rect", {
      x: left,
      y: area.bottom - (index + 1) * height,
      width,
      height: height + 0.5,
      fill: colorAt(trace.colorscale, (index + 0.5) / steps),
    }),
  );
  const ticks = scale.ticks.map(({ value, label }) => {
    const y = scale.toPixel(value)!;
    return (
      line(left + width, y, left + width + 4, y, INK) + text(label, left + width + 7, y + 4, { size: FONT_SIZE - 2 })
    );
  });
  const frame = element("rect", {
    x: left,
    y: area.top,
    width,
    height: area.bottom - area.top,
    fill: "none",
    stroke: INK,
  });
  const title = trace.colorbar?.title.text;
  const middle = (area.top + area.bottom) / 2;
  const named =
    title === undefined
      ? ""
      : text(title, left + width + 50, middle, { size: FONT_SIZE - 1, anchor: "middle", angle: -90 });
  const bar = element("g", { "shape-rendering": "crispEdges" }, ...cells);
  return bar + frame + ticks.join("") + named;
}
