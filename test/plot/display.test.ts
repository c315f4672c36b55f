import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { figureBundle } from "../../src/plot/bundle";
import { isInNotebook, newFigureDisplay, show } from "../../src/plot/display";
import { createFigure, type Figure } from "../../src/plot/figure";
import { writeHtmlReport } from "../../src/plot/html-report";
import { liveLoss } from "../../src/plot/live-loss";
import { maybeRenderPng } from "../../src/plot/png";
import { renderSvg } from "../../src/plot/svg/render";
import { temporaryFolder } from "../temporary-folder";

const FIGURE = createFigure([{ type: "scatter", mode: "lines", name: "a", x: [1, 2], y: [3, 4] }], {
  width: 300,
  height: 200,
  title: { text: "T </script>" },
});

test("a bundle holds plotly's JSON, a picture and words", () => {
  const bundle = figureBundle(FIGURE);
  assert.deepEqual(Object.keys(bundle), ["application/vnd.plotly.v1+json", "image/png", "text/plain"]);
  assert.equal(bundle["application/vnd.plotly.v1+json"], FIGURE);
  assert.match(String(bundle["text/plain"]), /^Figure: T /);
});

test("the picture is a PNG of the figure's proportions with something drawn in it", () => {
  const png = Buffer.from(maybeRenderPng(renderSvg(FIGURE))!);
  assert.deepEqual([...png.subarray(0, 8)], [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [480, 320]);
  const blank = Buffer.from(maybeRenderPng(renderSvg(createFigure([], { width: 300, height: 200 })))!);
  assert.ok(png.length > 2 * blank.length);
});

test("in a notebook a figure is one bundle; a later figure of the same display updates it", () => {
  const sent: { content: { data: object; transient: { display_id: string } }; isUpdate: boolean }[] = [];
  const path = "/anywhere/node_modules/tslab/dist/jupyter.js";
  const exports = {
    lastWriteDisplayData: (content: (typeof sent)[number]["content"], isUpdate: boolean) =>
      sent.push({ content, isUpdate }),
  };
  require.cache[path] = { exports } as unknown as NodeJS.Module;
  try {
    assert.equal(isInNotebook(), true);
    show(FIGURE);
    const display = newFigureDisplay();
    display.show(FIGURE);
    // The kernel goes on to another cell; the display stays with its own.
    exports.lastWriteDisplayData = () => assert.fail("sent to another cell");
    display.show(FIGURE);
  } finally {
    delete require.cache[path];
  }
  assert.deepEqual(
    sent.map(({ isUpdate }) => isUpdate),
    [false, false, true],
  );
  assert.equal(Object.keys(sent[0]!.content.data).length, 3);
  const [first, second, third] = sent.map(({ content }) => content.transient.display_id);
  assert.notEqual(first, second);
  assert.equal(second, third);
});

test("outside a notebook a figure is shown in words", (t) => {
  const written: string[] = [];
  t.mock.method(process.stdout, "write", (text: string) => {
    written.push(text);
    return true;
  });
  show(FIGURE);
  t.mock.restoreAll();
  assert.equal(isInNotebook(), false);
  assert.match(written.join(""), /^Figure: T .*\n {2}a: 2 points;/);
});

test("the live figure is redrawn no more often than asked, ignores other events, and ends complete", async () => {
  const shown: Figure[] = [];
  const live = liveLoss({ intervalMs: 50, display: { show: (figure) => shown.push(figure) } });
  const step = (number: number): void =>
    live.update({ kind: "train", step: number, loss: 1 / number, learning_rate: 1 });
  step(1);
  assert.equal(shown.length, 0, "one point makes no curve");
  for (let number = 2; number <= 50; number++) step(number);
  live.update({ kind: "log" });
  assert.equal(shown.length, 1);
  await new Promise((resolve) => setTimeout(resolve, 60));
  step(51);
  assert.equal(shown.length, 2);
  live.update({ kind: "validation", step: 51, loss: 0.5 });
  const last = live.finish();
  assert.equal(shown.at(-1), last);
  assert.deepEqual(
    last.data.map(({ name, x }) => [name, x.length]),
    [
      ["training", 51],
      ["validation", 1],
      ["learning rate", 51],
    ],
  );
});

test("the html page holds plotly.js once, every figure, its picture, and no way out of the script", async (t) => {
  const path = join(temporaryFolder(t), "figures.html");
  await writeHtmlReport([FIGURE, FIGURE], path, { title: "A & B" });
  const page = readFileSync(path, "utf8");
  assert.equal(page.split("plotly.js v").length - 1, 1);
  assert.match(page, /<title>A &amp; B<\/title>/);
  assert.equal(page.split('<svg xmlns="http://www.w3.org/2000/svg" width="300"').length - 1, 2);
  assert.equal(page.split("</script>").length - 1, 2);
  assert.doesNotMatch(page, /<script[^>]+src=/);
  const json = /const figures = (.*);\n/.exec(page)![1]!;
  assert.deepEqual(JSON.parse(json), [FIGURE, FIGURE]);
});
