import assert from "node:assert/strict";
import test from "node:test";
import { classCenters, classCounts, classOfValue, classWidths, resolveClassEdges } from "../../src/data/classes";
import { assertClose } from "../assert-close";

test("centres and widths describe each class", () => {
  const edges = Float64Array.of(0, 1, 3, 3.5);
  assert.deepEqual(Array.from(classCenters(edges)), [0.5, 2, 3.25]);
  assert.deepEqual(Array.from(classWidths(edges)), [1, 2, 0.5]);
});

test("a value outside the edges belongs to the first or last class", () => {
  const edges = Float64Array.of(0, 1, 3, 3.5);
  assert.deepEqual(
    [-2, 0, 1, 3.4, 3.5, 99].map((value) => classOfValue(value, edges)),
    [0, 0, 1, 2, 2, 2],
  );
});

test("the table's edges hold unless others are given", () => {
  const edges = resolveClassEdges(["a3", "dnu"], { dnu: [4, 5, 8] });
  assert.deepEqual([...edges.keys()], ["a3", "dnu"]);
  assertClose(edges.get("a3")!, [-0.41, -0.2, 0, 0.2, 0.41]);
  assert.deepEqual(
    classCounts(edges),
    new Map([
      ["a3", 4],
      ["dnu", 2],
    ]),
  );
});

test("edges that do not ascend, or make fewer than two classes, are refused", () => {
  for (const edges of [
    [4, 5, 5],
    [4, Number.NaN, 6],
    [4, 5],
  ]) {
    assert.throws(() => resolveClassEdges(["dnu"], { dnu: edges }), {
      name: "ConfigError",
      message: `Setting "edges.dnu" must ascend and have at least 3 edges, it has ${edges.length}`,
    });
  }
});
