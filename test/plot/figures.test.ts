import assert from "node:assert/strict";
import test from "node:test";
import { confusionCounts, confusionFigure } from "../../src/plot/confusion-figure";
import { downsample } from "../../src/plot/downsample";
import { echelleFigure, echelleModulo } from "../../src/plot/echelle-figure";
import type { BarTrace, HeatmapTrace, ScatterTrace } from "../../src/plot/figure";
import { gridFigure } from "../../src/plot/grid-figure";
import { classHistogramFigure } from "../../src/plot/histogram-figure";
import { predictionFigure } from "../../src/plot/prediction-figure";
import { spectrumFigure } from "../../src/plot/spectrum-figure";
import { summarizeFigure } from "../../src/plot/summary";
import { type TrainingPoint, trainingFigure } from "../../src/plot/training-figure";
import { visibleModes } from "../../src/plot/visible-modes";
import { assertClose } from "../assert-close";

const GRID = { points: 1000, firstFrequencyUHz: 10, stepUHz: 0.01 };

test("downsampling keeps the extremes, the ends and the order, within the number of points allowed", () => {
  const x = Float64Array.from({ length: 10_000 }, (_, index) => index);
  const y = Float64Array.from(x, (value) => Math.sin(value));
  y[4321] = 50;
  y[8765] = -50;
  const curve = downsample(x, y, 200);
  assert.ok(curve.x.length <= 200);
  assert.equal(curve.y[curve.x.indexOf(4321)], 50);
  assert.equal(curve.y[curve.x.indexOf(8765)], -50);
  assert.equal(curve.x[0], 0);
  assert.equal(curve.x.at(-1), 9999);
  assert.ok(curve.x.every((value, index) => index === 0 || value > curve.x[index - 1]!));
});

test("a short curve stays whole, but for what is not a number", () => {
  assert.deepEqual(downsample([1, 2, 3], [4, Number.NaN, 6], 10), { x: [1, 3], y: [4, 6] });
});

test("modes are visible when their peak is a fiftieth of the tallest in view; unresolved ones are lower", () => {
  const mode = (
    frequencyUHz: number,
    height: number,
    widthUHz = 1,
  ): { degree: number; frequencyUHz: number; height: number; widthUHz: number } => ({
    degree: 0,
    frequencyUHz,
    height,
    widthUHz,
  });
  const modes = [mode(5, 1e6), mode(11, 100), mode(12, 1.9), mode(13, 2.1), mode(14, 100, 0.0001)];
  // The last has 100 * pi * 0.0001 / (2 * 0.01) = 1.57 left.
  assert.deepEqual(visibleModes(modes, [10, 20], GRID), [modes[1], modes[3]]);
  // However wide a mode is, its peak is no higher than it is.
  const wide = [mode(11, 100), mode(12, 100, 200)];
  assert.deepEqual(visibleModes(wide, [10, 20], GRID), wide);
  const bare = [{ degree: 1, frequencyUHz: 15 }];
  assert.deepEqual(visibleModes(bare, [10, 20], GRID), bare);
});

test("a spectrum shows the asked range, its peak, and a row of marks per degree above it", () => {
  const power = new Float64Array(1000).fill(1);
  power[300] = 40; // 13 µHz
  power[900] = 500; // outside
  const modes = [0, 1, 1, 3].map((degree, index) => ({ degree, frequencyUHz: 12 + index }));
  const figure = spectrumFigure({ power, grid: GRID, modes, range: [11, 16] });
  const [observed, ...marks] = figure.data as ScatterTrace[];
  assert.equal(Math.max(...observed!.y), 40);
  assert.ok(observed!.x.every((frequency) => frequency >= 11 && frequency <= 16));
  assert.deepEqual(
    marks.map(({ name, x }) => [name, x]),
    [
      ["ℓ = 0", [12]],
      ["ℓ = 1", [13, 14]],
      ["ℓ = 3", [15]],
    ],
  );
  const levels = marks.map(({ y }) => y[0]!);
  assert.ok(levels.every((level, index) => level > (index === 0 ? 40 : levels[index - 1]!)));
  const { xaxis, yaxis } = figure.layout;
  assert.equal(xaxis!.title!.text, "Frequency (µHz)");
  assert.equal(yaxis!.title!.text, "Power density (ppm²/µHz)");
  assert.ok(yaxis!.range![1] > levels.at(-1)!);
});

test("a range beyond the grid is cut to it; a log axis ends below the marks' level", () => {
  const power = Float64Array.from({ length: 1000 }, (_, index) => 1 + (index % 10));
  const figure = spectrumFigure({ power, grid: GRID, range: [0, 1000], scale: "log" });
  assertClose(figure.layout.xaxis!.range!, [10, 19.99], { rtol: 1e-12 });
  assert.equal(figure.layout.yaxis!.type, "log");
  assert.deepEqual(figure.layout.yaxis!.range, [0, Math.log10(16)]); // lowest power 1; 1.6 times the highest
});

test("frequencies fall into [0, dnu) in an échelle diagram, also below the offset", () => {
  assertClose(echelleModulo(37, 10), 7);
  assertClose(echelleModulo(37, 10, 2.5), 4.5, { rtol: 1e-12 });
  assertClose(echelleModulo(1, 10, 3), 8);
});

test("the échelle's background has the power of a peak in the cell where its mode is marked", () => {
  // Bins lie clear of the borders of cells: ten of them in each.
  const grid = { points: 10_000, firstFrequencyUHz: 10.005, stepUHz: 0.01 };
  const power = new Float64Array(grid.points);
  power[4300] = 900; // 53.005 µHz
  const figure = echelleFigure({
    modes: [{ degree: 0, frequencyUHz: 53.005 }],
    dnu: 12,
    range: [20, 100],
    power,
    grid,
    offsetUHz: 2,
  });
  const [cells, marks] = figure.data as [HeatmapTrace, ScatterTrace];
  const [x, y] = [marks.x[0]!, marks.y[0]!];
  assertClose([x, y], [3.005, 53.005], { rtol: 1e-12 }); // (53.005 - 2) mod 12
  const column = cells.x.findIndex((edge) => edge > x + 1e-9) - 1;
  const row = cells.y.findIndex((edge) => edge > y) - 1;
  assertClose(cells.z[row]![column]!, 30 / Math.sqrt(10), { rtol: 5e-3 }); // sqrt of the mean over ten bins, 3 digits
  assert.equal(cells.z.flat().filter((value) => value).length, 1);
});

test("bars count the stars of each class at the class's place; values outside join the ends", () => {
  const edges = Float64Array.of(0, 30, 60, 90);
  const figure = classHistogramFigure("inc", { values: [-5, 0, 30, 59, 61, 90, 95], edges });
  const [bars] = figure.data as [BarTrace];
  assert.deepEqual(bars.y, [2, 2, 3]);
  assert.deepEqual(bars.x, [15, 45, 75]);
  assert.deepEqual(bars.width, [30, 30, 30]);
  assert.equal(figure.layout.xaxis!.title!.text, "i (°)");
  assert.equal(figure.layout.title!.text, "i: 7 stars in 3 classes");
});

test("the training figure has the loss above, with validation and baseline, and the learning rate below", () => {
  const points: TrainingPoint[] = [
    { kind: "train", step: 1, loss: 5, learning_rate: 0.1 },
    { kind: "train", step: 2, loss: 4, learning_rate: 0.2 },
    { kind: "validation", step: 2, loss: 4.5, baseline_loss: 4.8 },
  ];
  const { data, layout } = trainingFigure(points);
  const traces = data as ScatterTrace[];
  assert.deepEqual(
    traces.map(({ name, y }) => [name, y]),
    [
      ["training", [5, 4]],
      ["validation", [4.5]],
      ["baseline: class frequencies", [4.8, 4.8]],
      ["learning rate", [0.1, 0.2]],
    ],
  );
  assert.equal(traces[3]!.yaxis, "y2");
  assert.ok(layout.yaxis!.domain![0] > layout.yaxis2!.domain![1]);
});

test("rows of a confusion matrix are shares of the true class", () => {
  const edges = Float64Array.of(0, 30, 60, 90);
  const figure = confusionFigure("inc", { trueClasses: [0, 0, 0, 0, 2], predictedClasses: [0, 0, 1, 2, 2], edges });
  const [cells] = figure.data as [HeatmapTrace];
  assert.deepEqual(cells.z, [
    [0.5, 0.25, 0.25],
    [null, null, null],
    [null, null, 1],
  ]);
  assert.deepEqual(cells.x, [0, 30, 60, 90]);
  assert.equal(figure.layout.title!.text, "i: 60 % of 5 in the right class");
  assert.equal(figure.layout.yaxis!.title!.text, "True i (°)");
});

test("many classes are drawn in groups, while the accuracy stays that of the classes", () => {
  const figure = confusionFigure("dnu", { trueClasses: [0, 3, 179], predictedClasses: [1, 3, 178] });
  const [cells] = figure.data as [HeatmapTrace];
  assert.equal(cells.z.length, 60); // of 180
  assert.equal(cells.x.length, 61);
  assertClose([cells.x[0]!, cells.x[1]!, cells.x[60]!], [0.99, 1.3, 19.01], { rtol: 1e-6 });
  assert.deepEqual([cells.z[0]![0], cells.z[1]![1], cells.z[59]![59]], [1, 1, 1]);
  assert.match(figure.layout.title!.text, /33 % of 3/);
});

test("lists of different lengths are refused", () => {
  assert.throws(
    () => confusionCounts([1, 2], [1], 3),
    /^RangeError: Cannot compare 2 true and 1 predicted classes: expected as many of one as of the other$/,
  );
  const text = /^RangeError: Cannot compare 2 true values, 1 predictions and no intervals: expected as many of each$/;
  assert.throws(() => predictionFigure("dnu", { trueValues: [1, 2], predictedValues: [1] }), text);
});

test("predictions carry their intervals as error bars on both sides", () => {
  const figure = predictionFigure("dnu", {
    trueValues: [4, 10],
    predictedValues: [5, 9],
    intervals: [
      [4.5, 7],
      [8, 9],
    ],
  });
  const [stars, line] = figure.data as [ScatterTrace, ScatterTrace];
  assert.deepEqual(
    [stars.x, stars.y],
    [
      [4, 10],
      [5, 9],
    ],
  );
  assert.deepEqual(stars.error_y!.array, [2, 0]);
  assert.deepEqual(stars.error_y!.arrayminus, [0.5, 1]);
  assert.deepEqual(line.x, line.y);
  assert.equal(figure.layout.xaxis!.title!.text, "True Δν (µHz)");
});

test("of very many stars every k-th is drawn", () => {
  const values = Float64Array.from({ length: 1000 }, (_, index) => index);
  const [stars] = predictionFigure("dp", { trueValues: values, predictedValues: values, maxPoints: 300 }).data as [
    ScatterTrace,
  ];
  assert.equal(stars.x.length, 250);
});

test("a grid gives each figure axes of its own that do not overlap", () => {
  const panel = classHistogramFigure("inc", { values: [10, 20] });
  const figure = gridFigure([panel, panel, panel], { columns: 2, title: "Three" });
  const traces = figure.data as BarTrace[];
  assert.deepEqual(
    traces.map(({ xaxis, yaxis }) => [xaxis, yaxis]),
    [
      ["x", "y"],
      ["x2", "y2"],
      ["x3", "y3"],
    ],
  );
  const { xaxis, xaxis2, yaxis, yaxis3, annotations } = figure.layout;
  assert.ok(xaxis!.domain![1] < xaxis2!.domain![0]);
  assert.ok(yaxis3!.domain![1] < yaxis!.domain![0]);
  assert.equal(annotations!.length, 3);
  assert.throws(() => gridFigure([]), /^RangeError: Cannot lay out a grid of figures: there are none/);
  assert.throws(
    () => gridFigure([trainingFigure([])]),
    /^RangeError: Cannot lay out figure 0 in a grid: it has more than one panel/,
  );
});

test("the summary says what is drawn", () => {
  const figure = classHistogramFigure("numax", { values: [100, 100], edges: Float64Array.of(0, 50, 150) });
  assert.equal(
    summarizeFigure(figure),
    "Figure: ν_max: 2 stars in 2 classes\n  ν_max: 2 bars; x ν_max (µHz), 25 to 100; y Stars, 0 to 2",
  );
  const single = classHistogramFigure("numax", { values: [100], edges: Float64Array.of(50, 150) });
  assert.match(summarizeFigure(single), /: 1 bar; x ν_max/);
});
