import assert from "node:assert/strict";
import test from "node:test";
import { confusionFigure } from "../../src/plot/confusion-figure";
import { createFigure, type Figure, PALETTE } from "../../src/plot/figure";
import { gridFigure } from "../../src/plot/grid-figure";
import { classHistogramFigure } from "../../src/plot/histogram-figure";
import { predictionFigure } from "../../src/plot/prediction-figure";
import { spectrumFigure } from "../../src/plot/spectrum-figure";
import { colorAt } from "../../src/plot/svg/marks";
import { renderSvg } from "../../src/plot/svg/render";
import { createScale, formatNumber, linearTicks } from "../../src/plot/svg/scale";
import { trainingFigure } from "../../src/plot/training-figure";
import { parseSvg, textsOf } from "./parse-svg";

const labels = (ticks: readonly { label: string }[]): string[] => ticks.map(({ label }) => label).filter(Boolean);

test("ticks are multiples of 1, 2 or 5 with as many decimals as they need", () => {
  assert.deepEqual(labels(linearTicks(0, 10, 5)), ["0", "2", "4", "6", "8", "10"]);
  assert.deepEqual(labels(linearTicks(-0.41, 0.41, 4)), ["−0.4", "−0.2", "0.0", "0.2", "0.4"]);
  assert.deepEqual(labels(linearTicks(0.0001, 0.00051, 4)), ["0.0001", "0.0002", "0.0003", "0.0004", "0.0005"]);
});

test("a log axis labels powers of ten, and 2 and 5 times them where there are few", () => {
  assert.deepEqual(labels(createScale("log", [1, 10_000], 0, 400).ticks), ["1", "10", "100", "1000", "10000"]);
  assert.deepEqual(labels(createScale("log", [1, 20], 0, 300).ticks), ["1", "2", "5", "10", "20"]);
  const { toPixel } = createScale("log", [1, 100], 0, 200);
  assert.equal(toPixel(10), 100);
  assert.equal(toPixel(0), undefined);
  assert.equal(toPixel(-1), undefined);
});

test("very large and small numbers are powers of ten", () => {
  assert.deepEqual(
    [formatNumber(2e6, 0), formatNumber(1e-7, 7), formatNumber(-3e8, 0), formatNumber(0, 1)],
    ["2×10⁶", "10⁻⁷", "−3×10⁸", "0.0"],
  );
});

test("colours run along the scale", () => {
  const scale = [
    [0, "#000000"],
    [0.5, "#ff0000"],
    [1, "#ffffff"],
  ] as const;
  assert.deepEqual(
    [-1, 0, 0.25, 0.5, 0.75, 2].map((share) => colorAt(scale, share)),
    ["#000000", "#000000", "#800000", "#ff0000", "#ff8080", "#ffffff"],
  );
});

test("points stand where the axes say", () => {
  const figure = createFigure(
    [{ type: "scatter", mode: "lines+markers", x: [0, 5, 10], y: [0, 1, 2], line: { color: PALETTE.blue } }],
    { width: 500, height: 400, xaxis: { range: [0, 10] }, yaxis: { range: [0, 2] } },
  );
  const elements = parseSvg(renderSvg(figure));
  const frame = elements.filter(({ name, attributes }) => name === "rect" && attributes.fill === "none")[0]!.attributes;
  const [left, top, width, height] = ["x", "y", "width", "height"].map((key) => Number(frame[key]));
  const centers = elements
    .filter(({ name }) => name === "circle")
    .map(({ attributes }) => [Number(attributes.cx), Number(attributes.cy)]);
  assert.deepEqual(centers, [
    [left!, top! + height!],
    [left! + width! / 2, top! + height! / 2],
    [left! + width!, top!],
  ]);
  const path = elements.find(({ name, attributes }) => name === "path" && attributes.stroke === PALETTE.blue)!
    .attributes.d;
  assert.equal(path, `M${centers[0]!.join(" ")}L${centers[1]!.join(" ")}L${centers[2]!.join(" ")}`);
});

test("a line is broken where a log axis has no place for a value", () => {
  const figure = createFigure(
    [{ type: "scatter", mode: "lines", x: [1, 2, 3, 4], y: [1, 0, 10, 100], line: { color: PALETTE.blue } }],
    { yaxis: { type: "log" } },
  );
  const path = parseSvg(renderSvg(figure)).find(({ attributes }) => attributes.stroke === PALETTE.blue)!.attributes.d!;
  assert.equal(path.split("M").length, 3);
});

const FIGURES: Readonly<Record<string, Figure>> = {
  spectrum: spectrumFigure({
    power: Float64Array.from({ length: 35692 }, (_, bin) => 1 + (bin % 7)),
    modes: [{ degree: 2, frequencyUHz: 50 }],
    scale: "log",
  }),
  histogram: classHistogramFigure("numax", { values: [20, 30, 31] }),
  training: trainingFigure([
    { kind: "train", step: 1, loss: 2, learning_rate: 0.1 },
    { kind: "validation", step: 1, loss: 3, baseline_loss: 4 },
  ]),
  confusion: confusionFigure("inc", { trueClasses: [1, 2], predictedClasses: [1, 3] }),
  prediction: predictionFigure("dnu", { trueValues: [4], predictedValues: [5], intervals: [[4, 6]] }),
  empty: trainingFigure([]),
  escaped: createFigure([], { title: { text: "a < b & c" } }),
};

for (const [name, figure] of Object.entries(FIGURES)) {
  test(`the ${name} figure is well-formed SVG of the size asked for, the same every time`, () => {
    const svg = renderSvg(figure);
    const [root] = parseSvg(svg);
    assert.equal(root!.name, "svg");
    assert.equal(Number(root!.attributes.width), figure.layout.width);
    assert.equal(renderSvg(figure), svg);
  });
}

test("titles, axes with units and the legend are written out; subscripts too", () => {
  const texts = textsOf(parseSvg(renderSvg(FIGURES.training!)));
  for (const expected of [
    "Training",
    "Optimizer step",
    "Loss, summed over heads",
    "Learning rate",
    "training",
    "validation",
    "baseline: class frequencies",
  ]) {
    assert.ok(texts.includes(expected), expected);
  }
  assert.ok(!texts.includes("learning rate"), "a trace with showlegend false is not in the legend");
  assert.ok(textsOf(parseSvg(renderSvg(FIGURES.histogram!))).includes("νmax (µHz)"));
  assert.ok(textsOf(parseSvg(renderSvg(FIGURES.escaped!))).includes("a &lt; b &amp; c"));
});

test("a heat map draws its cells and a colour bar with its title", () => {
  const elements = parseSvg(renderSvg(FIGURES.confusion!));
  assert.equal(elements.filter(({ attributes }) => attributes.fill === "#08306b").length, 2); // the two full cells
  assert.ok(textsOf(elements).includes("Share of the true class"));
});

test("a grid writes the title of each panel above it", () => {
  const figure = gridFigure([FIGURES.histogram!, FIGURES.prediction!]);
  const texts = textsOf(parseSvg(renderSvg(figure)));
  assert.ok(texts.includes("νmax: 3 stars in 99 classes"));
  assert.ok(texts.includes("Δν: predicted against true"));
});

test("long numbers push the panel to the right, so that the title beside them stays in the picture", () => {
  const leftOf = (top: number): { frame: number; title: number } => {
    const figure = createFigure([{ type: "scatter", mode: "lines", x: [0, 1], y: [0, top] }], {
      yaxis: { title: { text: "Power" } },
    });
    const elements = parseSvg(renderSvg(figure));
    const frame = elements.find(({ name, attributes }) => name === "rect" && attributes.fill === "none")!;
    const title = elements.find(({ text }) => text === "Power")!;
    return { frame: Number(frame.attributes.x), title: Number(title.attributes.x) };
  };
  assert.ok(leftOf(900_000).frame > leftOf(10).frame);
  assert.ok(leftOf(900_000).title >= 13);
});
