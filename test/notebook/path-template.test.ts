import assert from "node:assert/strict";
import test from "node:test";
import { NotebookError } from "../../src/errors";
import { builtinPathValues, fillPath } from "../../src/notebook/path-template";

const VALUES = {
  ...builtinPathValues(new Date("2024-05-06T07:08:09.123Z")),
  lr: 0.01,
  tiny: 1e-5,
  tinier: 1.5e-7,
  n: 7,
  yes: true,
  none: null,
  s: "a b",
  nan: Number.NaN,
  inf: -Infinity,
  d: { k: 3 },
};

// Expected: Python 3.11, `template.format(**values)` of the same values.
test("fields are filled in as Python's str.format does", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["runs/{lr}.ipynb", "runs/0.01.ipynb"],
    ["{tiny}", "1e-05"],
    ["{tinier}", "1.5e-07"],
    ["{n}", "7"],
    ["{yes}-{none}", "True-None"],
    ["{s}", "a b"],
    ["{nan}{inf}", "nan-inf"],
    ["{n:03d}", "007"],
    ["{lr:.3f}", "0.010"],
    ["{lr:8.1e}", " 1.0e-02"],
    ["{lr:08.2f}", "00000.01"],
    ["{d[k]}", "3"],
    ["{{{n}}}", "{7}"],
    ["{pm[current_datetime_utc]}", "2024-05-06 07:08:09.123000+00:00"],
    ["{pm[current_datetime_utc]:%Y-%m-%d_%H%M%S.%f %j %y%%}", "2024-05-06_070809.123000 127 24%"],
    ["no fields", "no fields"],
  ];
  for (const [template, expected] of cases) assert.equal(fillPath(template, VALUES), expected);
});

test("a run's identifier is a UUID, the same everywhere in the run", () => {
  const uuid = fillPath("{pm[run_uuid]}", VALUES);
  assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(fillPath("{pm[run_uuid]}", VALUES), uuid);
  assert.notEqual(fillPath("{pm[run_uuid]}", builtinPathValues()), uuid);
});

test("a field without value or of another form is refused by name", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["a{lrr}", 'Cannot fill in the path "a{lrr}": there is no value for "lrr"; known are pm, lr, tiny, tinier, n, yes'],
    ["{pm[uuid]}", 'Cannot fill in the path "{pm[uuid]}": there is no value for "pm[uuid]"; known are '],
    ["{constructor}", 'Cannot fill in the path "{constructor}": there is no value for "constructor"; known are '],
    ["a{b", 'Cannot fill in the path "a{b": "{" stands alone; write "{{" to mean it'],
    ["{n!r}", 'Cannot fill in the path "{n!r}": "{n!r}" is not of the form {name}, {name[key]} or {name:format}'],
    ["{lr:d}", 'Cannot fill in the path "{lr:d}": the format ":d" is not supported for 0.01'],
    ["{s:>9}", 'Cannot fill in the path "{s:>9}": the format ":>9" is not supported for a b'],
  ];
  for (const [template, text] of cases) {
    assert.throws(
      () => fillPath(template, VALUES),
      (error) => {
        assert.ok(error instanceof NotebookError && error.isRequest);
        assert.ok(error.message.startsWith(text), error.message);
        return true;
      },
    );
  }
});
