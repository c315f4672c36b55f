/** Our kernel in JupyterLab, as a person sees it: outputs, figures, the interrupt button, errors, a restart. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { readNotebook, serializeNotebook } from "../../src/notebook/notebook-file";
import { classHistogramFigure } from "../../src/plot";
import { figureBundle } from "../../src/plot/bundle";
import { projectRoot } from "../../src/version";
import { temporaryFolder } from "../data/make-shard";
import { codeCell, processesUnder, writeTestNotebook } from "../notebook/notebook-builder";
import { LabNotebook, noJupyterLab, startJupyterLab } from "./jupyter-lab";
import { keepPicture, noChromium, openChromium, PATIENCE_MS } from "./open-chromium";

const skip = noChromium || noJupyterLab;

const FIXTURE = [
  codeCell('console.log("one", "line");\n6 * 7'),
  codeCell(
    'import { classHistogramFigure, show } from "asterolab";\n' +
      'show(classHistogramFigure("inc", { values: [10, 20, 50, 50, 80] }));',
  ),
  codeCell('let turns = 0;\nconsole.log("begun");\nfor (;;) turns++;'),
  codeCell("console.log(turns > 0);"),
  codeCell('const reason: string = "on purpose";\nthrow new RangeError(reason);'),
  codeCell("const wrong: number = 'text';"),
];

test("a notebook in JupyterLab runs, shows figures and errors, and can be interrupted and restarted", {
  skip,
  timeout: 3 * PATIENCE_MS,
}, async (t) => {
  const { folder } = writeTestNotebook("asterolab", FIXTURE);
  const browser = await openChromium(t);
  const notebook = await LabNotebook.open(browser, await startJupyterLab(t, folder), "in.ipynb");

  await notebook.runAll();
  // A cell that waits for its turn reads "[*]", too: interrupted too early, the one before it would end.
  await notebook.outputOf(2).filter({ hasText: "begun" }).waitFor();
  await notebook.prompt(0, /^\[1\]:$/);
  await notebook.prompt(2, /^\[\*\]:$/);
  const texts = await notebook.outputOf(0).allInnerTexts();
  assert.deepEqual(
    texts.map((text) => text.trim()),
    ["one line", "42"],
  );
  await notebook.drawn(1);
  await keepPicture(notebook.page, "jupyter-lab-running");
  await notebook.interrupt();
  await notebook.outputOf(2).filter({ hasText: "KeyboardInterrupt" }).waitFor();
  await notebook.idle();

  // What the interrupted cell had done by then is still there.
  await notebook.run(3);
  await notebook.outputOf(3).filter({ hasText: "true" }).waitFor();
  await notebook.run(4);
  await notebook
    .outputOf(4)
    .filter({ hasText: /RangeError: on purpose[\s\S]*:2/ })
    .waitFor();
  await notebook.run(5);
  await notebook.outputOf(5).filter({ hasText: "Type 'string' is not assignable to type 'number'" }).waitFor();
  assert.equal(await notebook.errors().count(), 3);
  await keepPicture(notebook.page, "jupyter-lab-errors");

  await notebook.restart();
  await notebook.run(3);
  await notebook.outputOf(3).filter({ hasText: /turns/ }).waitFor();
  await notebook.run(0);
  await notebook.prompt(0, /^\[2\]:$/);
  assert.deepEqual(notebook.faults, []);
});

test("a notebook of the project runs in JupyterLab from its first cell to its last", {
  skip,
  timeout: 3 * PATIENCE_MS,
}, async (t) => {
  const { folder, input } = writeTestNotebook("asterolab", []);
  const source = await readNotebook(join(projectRoot, "notebooks", "02-binning.ipynb"));
  const cells = source.cells.map((cell) => ({
    ...cell,
    ...(cell.cell_type === "code" && { outputs: [], execution_count: null }),
    source: cell.source.replace(/^(let spectra_per_shard: number = )\d+/m, "$124"),
  }));
  writeFileSync(input, serializeNotebook({ ...source, cells }));
  const browser = await openChromium(t);
  const notebook = await LabNotebook.open(browser, await startJupyterLab(t, folder), "in.ipynb");
  await notebook.runAll();
  const codeCells = cells.filter((cell) => cell.cell_type === "code").length;
  await notebook.prompt(codeCells - 1, new RegExp(`^\\[${codeCells}\\]:$`));
  assert.equal(await notebook.errors().count(), 0);
  await notebook.drawn(2);
  await keepPicture(notebook.page, "jupyter-lab-binning");
  assert.deepEqual(notebook.faults, []);
});

test("figures are live at once, follow their updates, and leave the notebook as it was; they are pictures without plotly", {
  skip,
  timeout: 3 * PATIENCE_MS,
}, async (t) => {
  const { folder, input } = writeTestNotebook("asterolab", [
    codeCell(
      'import { classHistogramFigure, newFigureDisplay, show } from "asterolab";\nconst place = newFigureDisplay();',
    ),
    codeCell('place.show(classHistogramFigure("inc", { values: [10, 20] }));'),
    codeCell('place.show(classHistogramFigure("inc", { values: [10, 20, 50, 50, 80] }));'),
  ]);
  const browser = await openChromium(t);
  const notebook = await LabNotebook.open(browser, await startJupyterLab(t, folder), "in.ipynb");
  const complaints: string[] = [];
  notebook.page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  for (const [index, stars] of [undefined, 2, 5].entries()) {
    await notebook.run(index);
    await notebook.prompt(index, new RegExp(`^\\[${index + 1}\\]:$`));
    if (stars !== undefined) await notebook.page.locator(".gtitle", { hasText: `${stars} stars` }).waitFor();
  }
  await notebook.drawn(1);
  await keepPicture(notebook.page, "jupyter-lab-figure");
  await notebook.save();
  assert.deepEqual(complaints, []);
  assert.deepEqual(notebook.faults, []);
  await notebook.close();

  const shown = figureBundle(classHistogramFigure("inc", { values: [10, 20, 50, 50, 80] }));
  const saved = (await readNotebook(input)).cells[1]!;
  assert.deepEqual(saved.outputs?.[0], {
    output_type: "display_data",
    data: JSON.parse(JSON.stringify(shown)),
    metadata: {},
  });

  const none = [`--LabApp.labextensions_path=${temporaryFolder(t)}`];
  const still = await LabNotebook.open(browser, await startJupyterLab(t, folder, none), "in.ipynb");
  await still.drawn(1, false);
  assert.deepEqual(still.faults, []);
});

test("nothing of the servers and kernels is left", { skip }, async () => {
  for (let attempt = 0; attempt < 100 && processesUnder(process.pid).length > 0; attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.deepEqual(processesUnder(process.pid), []);
});
