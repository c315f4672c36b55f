import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { CliError } from "../../src/errors";
import { guessValues, readParameters } from "../../src/notebook/parameters";
import { temporaryFolder } from "../temporary-folder";

// Expected: papermill 2.6.0, `papermill.cli._resolve_type(text)` for each text.
test("the first guess at a text is papermill's", () => {
  const cases: readonly (readonly [string, unknown])[] = [
    ["True", true],
    ["False", false],
    ["None", null],
    ["true", "true"],
    ["1_000", 1000],
    [" 7 ", 7],
    ["1e3", 1000],
    ["-0.5", -0.5],
    [".5", 0.5],
    ["nan", Number.NaN],
    ["-inf", -Infinity],
    ["0x10", "0x10"],
    ["a b", "a b"],
    ["[1, 2]", "[1, 2]"],
    ["", ""],
  ];
  for (const [text, expected] of cases) assert.ok(Object.is(guessValues(text)[0], expected), text);
});

test("the later guesses are JSON and the text itself", () => {
  assert.deepEqual(guessValues("[1, 2]"), ["[1, 2]", [1, 2], "[1, 2]"]);
  assert.deepEqual(guessValues("5"), [5, 5, "5"]);
  assert.deepEqual(guessValues("true"), ["true", true, "true"]);
});

test("sources override each other in the order -b, -f, -y, -p, -r", (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, "p.yaml");
  writeFileSync(file, "a: file\nb: file\nday: 2024-05-06\nxs: [1, two]\n");
  const inputs = readParameters({
    base64: [Buffer.from("a: base64\nz: base64").toString("base64")],
    files: [file],
    yaml: ["b: yaml", '{"c": 1}'],
    parameters: [["c", "2"]],
    rawParameters: [["d", "2"]],
  });
  const first = Object.fromEntries(inputs.map(({ name, candidates }) => [name, candidates[0]]));
  assert.deepEqual(first, { a: "file", z: "base64", b: "yaml", c: 2, d: "2", day: "2024-05-06", xs: [1, "two"] });
});

test("an empty mapping sets nothing", () => {
  assert.deepEqual(readParameters({ yaml: ["", "{}"] }), []);
});

test("a missing file, broken YAML and a list are refused with their source", () => {
  assert.throws(
    () => readParameters({ files: ["/no/such.yaml"] }),
    (error) => {
      assert.ok(error instanceof CliError);
      assert.equal(error.message, 'Cannot read parameters file "/no/such.yaml": no such file or folder');
      return true;
    },
  );
  assert.throws(() => readParameters({ yaml: ["a: [1"] }), /^CliError: Cannot parse parameters of -y: /);
  const list = /^CliError: Cannot use parameters of -y: expected a mapping of names to values, got \[1\]$/;
  assert.throws(() => readParameters({ yaml: ["[1]"] }), list);
});
