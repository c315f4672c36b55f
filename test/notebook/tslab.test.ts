import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { runNotebook } from "../../src/notebook/executor";
import { projectRoot } from "../../src/version";
import { codeCell, processesUnder, statusOf, textOf, writeTestNotebook } from "./notebook-builder";

test("the asterolab kernel runs TypeScript with parameters, whole bursts and updated displays, and reports a failure", async () => {
  const paths = writeTestNotebook("asterolab", [
    codeCell("let lr: number = 0.1;\nlet name = 'default';", "parameters"),
    codeCell("const ratio: number = lr / 0.1;\nconsole.log(ratio, name);\nratio"),
    codeCell("for (let i = 0; i < 3000; i++) console.log(i);"),
    codeCell(
      "import * as tslab from 'tslab';\nconst shown = tslab.newDisplay();\nshown.text('first');\nshown.text('second');",
    ),
    codeCell("const n: number = 'a';", "raises-exception"),
    codeCell("const late = await new Promise<number>((resolve) => setTimeout(resolve, 20, 5));\nlate"),
    codeCell("console.error('warned');\nthrow new RangeError('too far');"),
    codeCell("1"),
  ]);
  const { exitCode, error, notebook } = await runNotebook({
    ...paths,
    parameters: [
      { name: "lr", candidates: [0.5] },
      { name: "name", candidates: ["given"] },
    ],
  });
  assert.equal(exitCode, 1);
  assert.equal(error!.ename, "RangeError");
  const cells = notebook.cells.filter((cell) => cell.cell_type === "code");
  const texts = cells.map(textOf);
  assert.equal(texts[2], "5 given\n5");
  assert.equal(texts[3], `${Array.from({ length: 3000 }, (_, index) => index).join("\n")}\n`);
  assert.equal(texts[4], "second");
  assert.match(texts[5]!, /^CompileError: cell\[6\]:1:7 - TS2322: Type 'string' is not assignable to type 'number'/);
  assert.equal(texts[6], "5");
  assert.equal(texts[7], "warned\nRangeError: too far");
  assert.deepEqual(
    cells.map((cell) => cell.execution_count),
    [1, 2, 3, 4, 5, 6, 7, 8, null],
  );
  assert.deepEqual(cells.slice(-2).map(statusOf), ["failed", "pending"]);
  assert.deepEqual(processesUnder(process.pid), []);
});

test("the stock tslab kernel runs the same notebook; its aborts after an error are waited out, figures are bundles", async () => {
  const paths = writeTestNotebook("stock", [
    codeCell("throw new Error('tolerated');", "raises-exception"),
    codeCell("const a: number = 2;\na + 1"),
    codeCell(
      "import { classHistogramFigure, newFigureDisplay, show } from 'asterolab';\n" +
        "const figure = classHistogramFigure('inc', { values: [10, 20] });\nshow(figure);\n" +
        "const display = newFigureDisplay();\ndisplay.show(figure);\ndisplay.show(figure);",
    ),
  ]);
  const folder = join(paths.folder, "kernels", "stock");
  mkdirSync(folder, { recursive: true });
  const argv = [join(projectRoot, "node_modules", ".bin", "tslab"), "kernel", "--config-path", "{connection_file}"];
  writeFileSync(join(folder, "kernel.json"), JSON.stringify({ argv, language: "typescript" }));
  process.env.JUPYTER_PATH = paths.folder;
  const { exitCode, notebook } = await runNotebook({ ...paths, cwd: join(projectRoot, "notebooks") });
  delete process.env.JUPYTER_PATH;
  assert.equal(exitCode, 0);
  assert.match(textOf(notebook.cells[0]), /^Error: tolerated/);
  assert.equal(textOf(notebook.cells[1]), "3\n");
  const bundles = notebook.cells[2]!.outputs!.map((output) => Object.keys((output as { data: object }).data).sort());
  const kinds = ["application/vnd.plotly.v1+json", "image/png", "text/plain"];
  assert.deepEqual(bundles, [kinds, kinds]);
  assert.deepEqual(processesUnder(process.pid), []);
});
