/** The roofline and the curves of a sweep. */

import { createFigure, type Figure, PALETTE, type Trace } from "../plot/figure";
import type { NetworkBench, Side } from "./network";
import { type OpRow, roof } from "./roofline";
import type { Sweep, SweepBench } from "./sweep";
import type { Yardsticks } from "./yardsticks";

/** Kinds of ops that share a mark. */
const KINDS: readonly { readonly name: string; readonly color: string; readonly prefixes: readonly string[] }[] = [
  { name: "convolution blocks, forward", color: PALETTE.sky, prefixes: ["convBlockForward"] },
  { name: "convolution blocks, backward", color: PALETTE.blue, prefixes: ["convBlockBackward"] },
  { name: "LSTM", color: PALETTE.green, prefixes: ["lstm"] },
  { name: "dense", color: PALETTE.orange, prefixes: ["dense"] },
  { name: "the rest", color: PALETTE.grey, prefixes: [""] },
];
const ROOF_POINTS = 60;
const SWEPT: Readonly<Record<Sweep, string>> = {
  batch: "Spectra per step",
  length: "Points of a spectrum",
  width: "Width, relative to the preset",
  threads: "Threads",
};

/**
 * Executed operations per second of each op against its operations per byte, under the roof of the machine.
 *
 * @throws {RangeError} when the measurement holds no yardsticks: it was not made on the native engine.
 */
export function rooflineFigure({ ops, yardsticks, what, batch }: NetworkBench): Figure {
  if (!yardsticks)
    throw new RangeError("Cannot draw a roofline: it needs yardsticks, which only the native engine has");
  const left = new Set(ops);
  const marks = KINDS.map(({ name, color, prefixes }): Trace => {
    const rows = [...left].filter(({ op }) => prefixes.some((prefix) => op.startsWith(prefix)));
    for (const row of rows) left.delete(row);
    return {
      type: "scatter",
      mode: "markers",
      name,
      x: rows.map(({ intensity }) => intensity),
      y: rows.map(({ gflops }) => gflops),
      marker: { color, size: 8, opacity: 0.85 },
    };
  });
  return createFigure([roofLine(ops, yardsticks), ...marks], {
    title: { text: `Roofline: ${what}, batch ${batch}` },
    xaxis: { title: { text: "Operations per byte" }, type: "log" },
    yaxis: { title: { text: "GFLOP/s" }, type: "log" },
    showlegend: true,
  });
}

/**
 * The cost of a spectrum in processor time against what was varied; the peer's curve beside ours where there is one.
 * Threads share that time instead of changing it, so that against them the rate is shown.
 */
export function sweepFigure({ sweep, points }: SweepBench): Figure {
  const curve = (name: string, color: string, values: readonly (number | undefined)[]): Trace => {
    const shown = points.flatMap(({ value }, index) => {
      const cost = values[index];
      return cost === undefined ? [] : [{ value, cost }];
    });
    return {
      type: "scatter",
      mode: "lines+markers",
      name,
      x: shown.map(({ value }) => value),
      y: shown.map(({ cost }) => cost),
      line: { color, width: 1.5 },
      marker: { color, size: 6 },
    };
  };
  const isRate = sweep === "threads";
  const measure = ({ samples_per_s, cpu_seconds_per_step, batch }: Side): number =>
    isRate ? samples_per_s : (1000 * cpu_seconds_per_step.median) / batch;
  const ours = points.map((point) => measure(point.ours));
  const theirs = points.map(({ peer }) => (peer ? measure(peer) : undefined));
  const data = [curve("Asterolab", PALETTE.blue, ours)];
  if (theirs.some((cost) => cost !== undefined)) data.push(curve("PyTorch", PALETTE.vermillion, theirs));
  return createFigure(data, {
    title: { text: `By ${sweep}` },
    xaxis: { title: { text: SWEPT[sweep] }, type: "log" },
    yaxis: { title: { text: isRate ? "Spectra per second" : "ms of processor time per spectrum" }, type: "log" },
    showlegend: data.length > 1,
  });
}

/** The roof over all intensities that occur, with its ridge. */
function roofLine(ops: readonly OpRow[], yardsticks: Yardsticks): Trace {
  const ridge = yardsticks.product_gflops / yardsticks.stream_gb_per_s;
  const seen = [ridge, ...ops.map(({ intensity }) => intensity)];
  const [low, high] = [Math.min(...seen) / 2, Math.max(...seen) * 2];
  const even = Array.from({ length: ROOF_POINTS }, (_, index) => low * (high / low) ** (index / (ROOF_POINTS - 1)));
  const x = [...even, ridge].sort((a, b) => a - b);
  return {
    type: "scatter",
    mode: "lines",
    name: "what the machine can do",
    x,
    y: x.map((intensity) => roof(intensity, yardsticks)),
    line: { color: PALETTE.black, width: 1.5 },
  };
}
