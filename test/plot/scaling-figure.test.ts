import assert from "node:assert/strict";
import test from "node:test";
import { scalingFigure } from "../../src/plot/scaling-figure";
import { renderSvg } from "../../src/plot/svg/render";
import { linearTicks } from "../../src/plot/svg/scale";

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

test("ticks stand at whole ranks, however few or many", () => {
  const rankTicks = (...ranks: number[]): number[] => {
    const points = ranks.map((count) => ({ ranks: count, samples_per_s: count, communication_share: 0 }));
    const { range, dtick } = scalingFigure(points).layout.xaxis!;
    assert.ok(Number.isInteger(dtick));
    return linearTicks(range![0], range![1], 10, dtick).map(({ value }) => value);
  };
  assert.deepEqual(rankTicks(1, 2), [0, 1, 2]);
  assert.deepEqual(rankTicks(2, 4, 8), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  assert.deepEqual(rankTicks(1, 64), [0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60]);
  const shares = [0.1, 0.9].map((communication_share, index) => ({
    ranks: index + 1,
    samples_per_s: 100 * (index + 1),
    communication_share,
  }));
  assert.match(renderSvg(scalingFigure(shares)), />0<\/text>.*>1<\/text>.*>2<\/text>/);
  assert.doesNotMatch(renderSvg(scalingFigure(shares)), />[01]\.5<\/text>.*Ranks/);
});

test("no point at all is an error that says so", () => {
  assert.throws(() => scalingFigure([]), {
    name: "RangeError",
    message: "Cannot draw scaling: there must be at least one point, got none",
  });
});
