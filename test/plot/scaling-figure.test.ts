import assert from "node:assert/strict";
import test from "node:test";
import { scalingFigure } from "../../src/plot/scaling-figure";
import { renderSvg } from "../../src/plot/svg/render";

test("speed stands above with its perfect line, communication below in percent", () => {
  const figure = scalingFigure([
    { ranks: 2, samples_per_s: 30, communication_share: 0.01 },
    { ranks: 4, samples_per_s: 50, communication_share: 0.25 },
  ]);
  const [perfect, measured, communication] = figure.data as unknown as { y: number[]; yaxis?: string }[];
  assert.deepEqual(perfect!.y, [30, 60]);
  assert.deepEqual(measured!.y, [30, 50]);
  assert.deepEqual([communication!.y, communication!.yaxis], [[1, 25], "y2"]);
  assert.match(renderSvg(figure), /Spectra per second[\s\S]*Waiting \(%\)/);
});

test("no point at all is an error that says so", () => {
  assert.throws(() => scalingFigure([]), {
    name: "RangeError",
    message: "Cannot draw scaling: there must be at least one point, got none",
  });
});
