/** The roofline and the curves of a sweep. */

import assert from "node:assert/strict";
import test from "node:test";
import { rooflineFigure, sweepFigure } from "../../src/bench/figures";
import type { NetworkBench, Side } from "../../src/bench/network";
import { rooflineOf } from "../../src/bench/roofline";
import { summarize } from "../../src/bench/statistics";
import type { ScatterTrace } from "../../src/plot/figure";
import { renderSvg } from "../../src/plot/svg/render";

const yardsticks = { product_gflops: 200, stream_gb_per_s: 20 };

test("a roofline shows every op once, under a roof with its ridge where both limits meet", () => {
  const counters = (flop: number) => ({ calls: 1, seconds: 0.1, flop, nominalFlop: flop, bytes: 1e9 });
  const names = ["convBlockForward 9 x 1 -> 8", "convBlockBackward 9 x 1 -> 8", "lstmForward", "denseBackward", "add"];
  const steps = [new Map(names.map((name, index) => [name, counters((index + 1) * 1e9)]))];
  const figure = rooflineFigure(bench({ ops: rooflineOf(steps, [1], yardsticks), yardsticks }));
  const [roofLine, ...marks] = figure.data as ScatterTrace[];
  assert.deepEqual(
    marks.map(({ name, y }) => [name, [...y]]),
    [
      ["convolution blocks, forward", [10]],
      ["convolution blocks, backward", [20]],
      ["LSTM", [30]],
      ["dense", [40]],
      ["the rest", [50]],
    ],
  );
  const ridge = roofLine!.x.indexOf(10);
  assert.equal(roofLine!.y[ridge], 200);
  assert.equal(Math.max(...roofLine!.y), 200);
  assert.match(renderSvg(figure), /what the machine can do/);
});

test("a roofline without yardsticks is refused", () => {
  assert.throws(() => rooflineFigure(bench({ yardsticks: null })), {
    name: "RangeError",
    message: "Cannot draw a roofline: it needs yardsticks, which only the native engine has",
  });
});

test("a sweep shows processor time per spectrum, against threads the rate, and the peer where it was measured", () => {
  const points = [
    { value: 1, ...bench({ batch: 1 }) },
    { value: 4, ...bench({ batch: 4, ours: side(7, 0.5, 4), peer: side(3, 8, 4) }) },
  ];
  const [ours, theirs] = sweepFigure({ sweep: "batch", points }).data as ScatterTrace[];
  assert.deepEqual(
    [ours!.x, ours!.y],
    [
      [1, 4],
      [500, 125],
    ],
  ); // 0.5 s a step
  assert.deepEqual([theirs!.x, theirs!.y], [[4], [2000]]); // 8 s for 4
  const [rates] = sweepFigure({ sweep: "threads", points: points.slice(0, 1) }).data as ScatterTrace[];
  assert.deepEqual(rates!.y, [7]);
});

function bench(fields: Partial<NetworkBench>): NetworkBench {
  return {
    what: "train",
    engine: "native",
    precision: "float32",
    points: 100,
    batch: 1,
    parameters: 1,
    ours: side(7, 0.5),
    peer: null,
    ratio: null,
    cpu_ratio: null,
    machine: { cpu: "test", cores: 2, isa: "avx2", load_average: 0 },
    yardsticks,
    ops: [],
    share_outside_ops: 1,
    ...fields,
  };
}

function side(samplesPerSecond: number, cpuSeconds: number, batch = 1): Side {
  return {
    name: "test",
    threads: 2,
    batch,
    samples_per_s: samplesPerSecond,
    seconds_per_step: summarize([1]),
    cpu_seconds_per_step: summarize([cpuSeconds]),
    peak_rss_mb: 1,
  };
}
