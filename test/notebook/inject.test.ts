import assert from "node:assert/strict";
import test from "node:test";
import { NotebookError } from "../../src/errors";
import { injectParameters } from "../../src/notebook/inject";
import type { Cell, Notebook } from "../../src/notebook/notebook-file";
import { codeCell } from "./notebook-builder";

const LR = [{ name: "lr", candidates: [0.5] }];

function notebookOf(...cells: Cell[]): Notebook {
  return { nbformat: 4, nbformat_minor: 5, metadata: {}, cells };
}

function inject(notebook: Notebook, language = "typescript"): Record<string, unknown> {
  return injectParameters(notebook, LR, language, "x.ipynb");
}

test("parameters go into a tagged cell right after the cell of defaults", () => {
  const notebook = notebookOf(codeCell("first"), codeCell("let lr = 0.1;", "parameters"), codeCell("last"));
  assert.deepEqual(inject(notebook), { lr: 0.5 });
  assert.deepEqual(
    notebook.cells.map((cell) => cell.source),
    ["first", "let lr = 0.1;", "// Parameters\nlet lr: number = 0.5;\n", "last"],
  );
  const injected = notebook.cells[2]!;
  assert.deepEqual(injected.metadata, { tags: ["injected-parameters"] });
  assert.match(injected.id, /^[0-9a-f]{8}$/);
});

test("a cell injected before is replaced, wherever it stands", () => {
  const notebook = notebookOf(codeCell("old", "injected-parameters"), codeCell("let lr = 0.1;", "parameters"));
  inject(notebook);
  assert.deepEqual(
    notebook.cells.map((cell) => cell.source),
    ["// Parameters\nlet lr: number = 0.5;\n", "let lr = 0.1;"],
  );
});

test("without a cell of defaults the parameters stand on top, untyped", () => {
  const notebook = notebookOf(codeCell("body"));
  inject(notebook);
  assert.deepEqual(
    notebook.cells.map((cell) => cell.source),
    ["// Parameters\nlet lr = 0.5;\n", "body"],
  );
});

test("a JavaScript notebook gets no types", () => {
  const notebook = notebookOf(codeCell("let lr = 0.1;", "parameters"));
  inject(notebook, "javascript");
  assert.equal(notebook.cells[1]!.source, "// Parameters\nlet lr = 0.5;\n");
});

test("without parameters the notebook stays as it is, in any language", () => {
  const notebook = notebookOf(codeCell("a = 1", "parameters"));
  assert.deepEqual(injectParameters(notebook, [], "python", "x.ipynb"), {});
  assert.equal(notebook.cells.length, 1);
});

// Expected: papermill 2.7.0, `PythonTranslator.codify({...})`.
test("a Python notebook gets Python", () => {
  const values = {
    lr: 0.5,
    on: true,
    name: 'a"b\n',
    none: null,
    far: -Infinity,
    xs: [1, false],
    map: { k: Number.NaN },
  };
  const inputs = Object.entries(values).map(([name, value]) => ({ name, candidates: [value] }));
  const notebook = notebookOf(codeCell("lr = 1", "parameters"));
  injectParameters(notebook, inputs, "python", "x.ipynb");
  const lines = [
    "# Parameters",
    "lr = 0.5",
    "on = True",
    'name = "a\\"b\\n"',
    "none = None",
    "far = float('-inf')",
    "xs = [1, False]",
    "map = {\"k\": float('nan')}",
  ];
  assert.equal(notebook.cells[1]!.source, `${lines.join("\n")}\n`);
});

test("values given besides need no declaration and come first", () => {
  const notebook = notebookOf(codeCell("let lr = 0.1;", "parameters"));
  injectParameters(notebook, LR, "typescript", "x.ipynb", { PAPERMILL_INPUT_PATH: "x.ipynb" });
  assert.equal(
    notebook.cells[1]!.source,
    '// Parameters\nlet PAPERMILL_INPUT_PATH = "x.ipynb";\nlet lr: number = 0.5;\n',
  );
});

test("a language without translation and a value without exact form are refused", () => {
  assert.throws(
    () => inject(notebookOf(), "r"),
    (error) => {
      assert.ok(error instanceof NotebookError && error.isRequest);
      const text = 'Cannot pass parameters to "x.ipynb": its language is "r", expected typescript, javascript, python';
      assert.equal(error.message, text);
      return true;
    },
  );
  const huge = [{ name: "n", candidates: [2 ** 60] }];
  assert.throws(
    () => injectParameters(notebookOf(), huge, "typescript", "x.ipynb"),
    /Cannot set parameter "n" of "x.ipynb": 1152921504606847000 has no exact value in typescript/,
  );
});
