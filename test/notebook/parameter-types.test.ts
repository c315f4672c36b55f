import assert from "node:assert/strict";
import test from "node:test";
import { NotebookError } from "../../src/errors";
import { declaredParameters, resolveParameters, translate } from "../../src/notebook/parameter-types";
import { guessValues } from "../../src/notebook/parameters";

const CELL = `
import type { HeadName } from "asterolab";
let data_dir: string = ""; // where the shards are
let epochs = 3;
const heads = ["dnu", "numax"];
let engine: "auto" | "native" = "auto";
let limit: number | null = null;
let head: HeadName = "dnu";
let extra = [];
let options = { keep: 2, names: ["a"] };
let shuffle = true;
`;

function resolve(name: string, text: string): unknown {
  return resolveParameters(CELL, [{ name, candidates: guessValues(text) }], "x.ipynb")[0]!.value;
}

test("declarations are found with their annotated or inferred types", () => {
  assert.deepEqual(
    declaredParameters(CELL).map(({ name, type }) => `${name}: ${type}`),
    [
      "data_dir: string",
      "epochs: number",
      "heads: string[]",
      'engine: "auto" | "native"',
      "limit: number | null",
      "head: HeadName",
      "extra: any[]",
      "options: { keep: number; names: string[]; }",
      "shuffle: boolean",
    ],
  );
});

test("the declared type decides what a text means", () => {
  assert.equal(resolve("epochs", "5"), 5);
  assert.equal(resolve("data_dir", "5"), "5");
  assert.equal(resolve("limit", "None"), null);
  assert.equal(resolve("limit", "1e3"), 1000);
  assert.equal(resolve("shuffle", "false"), false);
  assert.equal(resolve("engine", "native"), "native");
  assert.equal(resolve("head", "numax"), "numax");
  assert.deepEqual(resolve("heads", '["q"]'), ["q"]);
  assert.deepEqual(resolve("options", '{"keep": 1, "names": []}'), { keep: 1, names: [] });
  assert.ok(Number.isNaN(resolve("epochs", "nan")));
});

test("a value of a wrong type is refused with the type", () => {
  const refused: readonly (readonly [string, string, string])[] = [
    ["epochs", "many", '"many": its type is number'],
    ["engine", "gpu", '"gpu": its type is "auto" | "native"'],
    ["heads", "[1]", '"[1]": its type is string[]'],
    ["options", '{"keep": 1}', '"{\\"keep\\": 1}": its type is { keep: number; names: string[]; }'],
    ["epochs", "9007199254740993", '"9007199254740993": its type is number'],
  ];
  for (const [name, text, ending] of refused) {
    assert.throws(
      () => resolve(name, text),
      (error) => {
        assert.ok(error instanceof NotebookError && error.isRequest);
        assert.equal(error.message, `Cannot set parameter "${name}" of "x.ipynb" to ${ending}`);
        return true;
      },
    );
  }
});

test("every unknown name and wrong type is reported at once", () => {
  const inputs = [
    { name: "epoch", candidates: [1] },
    { name: "shuffle", candidates: ["maybe"] },
  ];
  assert.throws(
    () => resolveParameters("let epochs = 1;\nlet shuffle = true;", inputs, "x.ipynb"),
    (error) => {
      assert.ok(error instanceof NotebookError);
      assert.deepEqual(error.message.split("\n"), [
        'Cannot set parameter "epoch" of "x.ipynb": its parameters cell declares epochs, shuffle; did you mean "epochs"?',
        'Cannot set parameter "shuffle" of "x.ipynb" to "maybe": its type is boolean',
      ]);
      return true;
    },
  );
  assert.throws(() => resolveParameters("", [{ name: "a", candidates: [1] }], "x.ipynb"), /declares none/);
});

test("a parameter becomes a typed let statement that keeps its exact value", () => {
  const line = (value: unknown, type?: string): string => translate({ name: "x", value, type });
  assert.equal(line(0.1, "number"), "let x: number = 0.1;");
  assert.equal(line('a"\u2028', "string"), 'let x: string = "a\\"\\u2028";');
  assert.equal(line([1, "b", null]), 'let x = [1, "b", null];');
  assert.equal(line({ "a b": -Infinity }), 'let x = { "a b": -Infinity };');
  assert.equal(line(Number.NaN, "number"), "let x: number = NaN;");
});
