/** What we write for browsers, in one: pages of notebooks with live figures, and networks for tfjs. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import test from "node:test";
import { pathToFileURL } from "node:url";
import { saveCheckpoint } from "../../src/checkpoint";
import { convert } from "../../src/convert";
import { selectEngine } from "../../src/engine";
import { writeNotebookHtml } from "../../src/notebook/html";
import { createCell, type Notebook } from "../../src/notebook/notebook-file";
import { classHistogramFigure } from "../../src/plot";
import { figureBundle } from "../../src/plot/bundle";
import { assertClose } from "../assert-close";
import { nativeLogits, serve } from "../convert/compare-logits";
import { networkState, POINTS, SMALL } from "../convert/networks";
import { temporaryFolder } from "../data/make-shard";
import { codeCell } from "../notebook/notebook-builder";
import { keepPicture, noChromium, openChromium, openPage, PATIENCE_MS } from "./open-chromium";

test("a notebook's page draws its figures live, alone and without a network; without scripts it shows the pictures", {
  skip: noChromium,
  timeout: PATIENCE_MS,
}, async (t) => {
  const figure = classHistogramFigure("inc", { values: [10, 20, 50, 50, 80] });
  const outputs = [
    { output_type: "display_data", data: figureBundle(figure), metadata: {} } as const,
    { output_type: "stream", name: "stdout", text: "five stars\n" } as const,
  ];
  const cells = [createCell("markdown", "# Stars", []), { ...codeCell("show(figure);"), outputs }];
  const notebook: Notebook = { nbformat: 4, nbformat_minor: 5, metadata: {}, cells };
  const path = join(temporaryFolder(t), "stars.html");
  await writeNotebookHtml(notebook, "Stars", path);
  assert.ok(readFileSync(path).length < 6e6);

  const browser = await openChromium(t);
  const { page, faults } = await openPage(browser);
  await page.goto(pathToFileURL(path).href);
  await page.locator("#figure-0 .main-svg").first().waitFor();
  const bars = await page.locator("#figure-0 .bars .point path").count();
  assert.equal(bars, figure.data[0]!.x.length);
  assert.match(await page.locator("#figure-0 .gtitle").innerHTML(), /5 stars/);
  await keepPicture(page, "notebook-page");
  assert.deepEqual(faults, []);

  const { page: still } = await openPage(browser, { javaScriptEnabled: false });
  await still.goto(pathToFileURL(path).href);
  assert.equal(await still.locator(".main-svg").count(), 0);
  const box = await still.locator("#figure-0 img").boundingBox();
  assert.ok(box !== null && box.width > 300 && box.height > 200, JSON.stringify(box));
  assert.equal(await still.locator("pre.stdout").innerText(), "five stars\n");
});

test("a converted network gives our logits in the browser's tfjs", {
  skip: noChromium,
  timeout: PATIENCE_MS,
}, async (t) => {
  const folder = temporaryFolder(t);
  await selectEngine("native");
  await saveCheckpoint(folder, networkState(SMALL), { isBest: false, isEpochEnd: false, keep: 1 });
  await convert(join(folder, "checkpoint.pth"), join(folder, "model.json"));
  const { spectra, logits } = await nativeLogits(folder, { points: POINTS, rows: 2 });

  const tfjs = dirname(createRequire(__filename).resolve("@tensorflow/tfjs/package.json"));
  const library = join(tfjs, "dist", "tf.min.js");
  const url = await serve(t, folder, {
    "page.html": '<script src="tf.min.js"></script>',
    "tf.min.js": readFileSync(library),
  });
  const { page, faults } = await openPage(await openChromium(t));
  await page.goto(`${url}/page.html`);
  const inBrowser = await page.evaluate(predictInBrowser, { spectra: [...spectra], rows: 2, points: POINTS });
  assert.deepEqual(
    Object.keys(inBrowser),
    logits.map(([head]) => head),
  );
  for (const [head, values] of logits) assertClose(inBrowser[head]!, values.flat(), { rtol: 1e-4, atol: 1e-4 });
  assert.deepEqual(faults, []);
});

interface Input {
  readonly spectra: number[];
  readonly rows: number;
  readonly points: number;
}

/** Runs in the page: it may use nothing from here. */
async function predictInBrowser({ spectra, rows, points }: Input): Promise<Record<string, number[]>> {
  const { tf } = globalThis as unknown as { tf: typeof import("@tensorflow/tfjs") };
  await tf.setBackend("cpu");
  const model = await tf.loadGraphModel("model.json");
  const outputs = model.predict(tf.tensor2d(spectra, [rows, points])) as Record<
    string,
    import("@tensorflow/tfjs").Tensor
  >;
  return Object.fromEntries(Object.entries(outputs).map(([head, logits]) => [head, Array.from(logits.dataSync())]));
}
