/** A panel: one pair of axes with its traces, its place in the picture, and the frame around it. */

import { type Axis, type Figure, FONT_SIZE, GRID, INK, type Trace, type XAxisId, type YAxisId } from "../figure";
import { element, line, text, textWidth } from "./elements";
import { createScale, type Scale } from "./scale";

/** Pixels from the upper left corner of the picture. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface Panel {
  readonly box: Box;
  readonly x: Scale;
  readonly y: Scale;
  readonly xAxis: Axis;
  readonly yAxis: Axis;
  readonly traces: readonly Trace[];
  /** False where a panel below shares the axis and carries its numbers. */
  readonly showsX: boolean;
}

const TICK = 5;
const LABEL_SIZE = FONT_SIZE - 1;

/** The panels of a figure within the area that titles and legend leave. */
export function layoutPanels(figure: Figure, area: Box): Panel[] {
  const groups = new Map<string, Trace[]>();
  for (const trace of figure.data) {
    const key = `${trace.xaxis ?? "x"} ${trace.yaxis ?? "y"}`;
    groups.set(key, [...(groups.get(key) ?? []), trace]);
  }
  return [...groups].map(([key, traces]) => {
    const [xId, yId] = key.split(" ") as [XAxisId, YAxisId];
    const xAxis = axisOf(figure, xId);
    const yAxis = axisOf(figure, yId);
    const [x0, x1] = xAxis.domain ?? [0, 1];
    const [y0, y1] = yAxis.domain ?? [0, 1];
    const box: Box = {
      left: area.left + x0 * (area.right - area.left),
      right: area.left + x1 * (area.right - area.left),
      top: area.bottom - y1 * (area.bottom - area.top),
      bottom: area.bottom - y0 * (area.bottom - area.top),
    };
    const onX = figure.data.filter((trace) => (trace.xaxis ?? "x") === xId);
    return {
      box,
      xAxis,
      yAxis,
      traces,
      x: createScale(xAxis.type, rangeOf(xAxis, onX.flatMap(xExtent), "x"), box.left, box.right, xAxis.dtick),
      y: createScale(yAxis.type, rangeOf(yAxis, traces.flatMap(yExtent), "y"), box.bottom, box.top, yAxis.dtick),
      showsX: (xAxis.anchor ?? yId) === yId,
    };
  });
}

/** The width of the widest number on a y axis, in pixels. */
export function widestLabel(panels: readonly Panel[]): number {
  const widths = panels.flatMap(({ y }) => y.ticks.map(({ label }) => textWidth(label, LABEL_SIZE)));
  return widths.reduce((a, b) => Math.max(a, b), 0);
}

/** Grid lines, to be drawn below the traces. */
export function drawGrid({ box, x, y }: Panel): string {
  const vertical = labelledPixels(x).map((pixel) => line(pixel, box.top, pixel, box.bottom, GRID));
  const horizontal = labelledPixels(y).map((pixel) => line(box.left, pixel, box.right, pixel, GRID));
  return [...vertical, ...horizontal].join("");
}

/** Frame, ticks, numbers and axis titles, to be drawn above the traces. */
export function drawFrame(panel: Panel): string {
  const { box, xAxis, yAxis } = panel;
  const frame = element("rect", {
    x: box.left,
    y: box.top,
    width: box.right - box.left,
    height: box.bottom - box.top,
    fill: "none",
    stroke: INK,
  });
  const parts = [frame];
  const showsNumbers = panel.showsX && xAxis.showticklabels !== false;
  for (const { value, label } of panel.x.ticks) {
    const pixel = panel.x.toPixel(value)!;
    parts.push(line(pixel, box.bottom, pixel, box.bottom + (label ? TICK : TICK * 0.6), INK));
    if (label && showsNumbers) parts.push(text(label, pixel, box.bottom + 19, { size: LABEL_SIZE, anchor: "middle" }));
  }
  for (const { value, label } of panel.y.ticks) {
    const pixel = panel.y.toPixel(value)!;
    parts.push(line(box.left - (label ? TICK : TICK * 0.6), pixel, box.left, pixel, INK));
    if (label && yAxis.showticklabels !== false) {
      parts.push(text(label, box.left - 9, pixel + 4, { size: LABEL_SIZE, anchor: "end" }));
    }
  }
  const middle = (box.left + box.right) / 2;
  if (xAxis.title && panel.showsX) {
    parts.push(text(xAxis.title.text, middle, box.bottom + 41, { size: FONT_SIZE, anchor: "middle" }));
  }
  if (yAxis.title) {
    const left = box.left - widestLabel([panel]) - 18;
    const size = fittingSize(yAxis.title.text, box.bottom - box.top);
    parts.push(text(yAxis.title.text, left, (box.top + box.bottom) / 2, { size, anchor: "middle", angle: -90 }));
  }
  return parts.join("");
}

/** A long title beside a low panel is set smaller rather than cut. */
function fittingSize(title: string, height: number): number {
  return Math.max(9, Math.min(FONT_SIZE, (FONT_SIZE * (height + 24)) / textWidth(title, FONT_SIZE)));
}

function labelledPixels(scale: Scale): number[] {
  return scale.ticks.filter(({ label }) => label !== "").map(({ value }) => scale.toPixel(value)!);
}

function axisOf(figure: Figure, id: XAxisId | YAxisId): Axis {
  return figure.layout[`${id[0] as "x" | "y"}axis${id.slice(1)}`] ?? {};
}

/** The range of an axis in values: the given one, or the data's with a margin where marks would touch the frame. */
function rangeOf(axis: Axis, values: readonly number[], direction: "x" | "y"): readonly [number, number] {
  if (axis.range) return axis.type === "log" ? [10 ** axis.range[0], 10 ** axis.range[1]] : axis.range;
  const usable = values.filter((value) => Number.isFinite(value) && (axis.type !== "log" || value > 0));
  const low = usable.reduce((a, b) => Math.min(a, b), Infinity);
  const high = usable.reduce((a, b) => Math.max(a, b), -Infinity);
  if (usable.length === 0) return axis.type === "log" ? [1, 10] : [0, 1];
  if (low === high)
    return axis.type === "log"
      ? [low / 2, low * 2]
      : [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2];
  if (axis.type === "log") return [low / (high / low) ** 0.04, high * (high / low) ** 0.04];
  const margin = direction === "x" ? 0.02 : 0.05;
  return [low === 0 ? 0 : low - margin * (high - low), high + margin * (high - low)];
}

function xExtent(trace: Trace): number[] {
  if (trace.type !== "bar") return extent(trace.x);
  return extent(trace.x.flatMap((x, index) => [x - trace.width[index]! / 2, x + trace.width[index]! / 2]));
}

function yExtent(trace: Trace): number[] {
  if (trace.type === "bar") return [0, ...extent(trace.y)];
  return extent(trace.y);
}

function extent(values: readonly number[]): number[] {
  const finite = values.filter(Number.isFinite);
  return finite.length === 0 ? [] : [finite.reduce((a, b) => Math.min(a, b)), finite.reduce((a, b) => Math.max(a, b))];
}
