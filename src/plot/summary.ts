/** A figure in words: what stands for it where no picture can be shown. */

import { counted } from "../counted";
import type { Figure, Trace } from "./figure";

/** Title, then one line per trace with its axes and extent. */
export function summarizeFigure(figure: Figure): string {
  const { title } = figure.layout;
  const lines = figure.data.map((trace) => `  ${describeTrace(trace, figure)}`);
  return [`Figure: ${title?.text ?? "untitled"}`, ...lines].join("\n").replace(/<sub>(.*?)<\/sub>/g, "_$1");
}

function describeTrace(trace: Trace, figure: Figure): string {
  const name = trace.name ?? trace.type;
  const x = axisTitle(figure, trace.xaxis ?? "x");
  const y = axisTitle(figure, trace.yaxis ?? "y");
  if (trace.type === "heatmap") {
    return `${name}: ${trace.z.length} × ${trace.z[0]?.length ?? 0} cells; x ${x}, ${extent(trace.x)}; y ${y}, ${extent(trace.y)}`;
  }
  const count = counted(trace.x.length, trace.type === "bar" ? "bar" : "point");
  return `${name}: ${count}; x ${x}, ${extent(trace.x)}; y ${y}, ${extent(trace.y)}`;
}

function axisTitle(figure: Figure, id: string): string {
  const axis = figure.layout[`${id[0] as "x" | "y"}axis${id.slice(1)}`];
  return axis?.title?.text ?? "";
}

function extent(values: readonly number[]): string {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return "empty";
  const low = finite.reduce((a, b) => Math.min(a, b));
  const high = finite.reduce((a, b) => Math.max(a, b));
  return low === high ? `${short(low)}` : `${short(low)} to ${short(high)}`;
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}
