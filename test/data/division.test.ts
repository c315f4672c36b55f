import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { divisionOf } from "../../src/data/division";
import { partOf } from "../../src/data/share";

test("the slices of two, three and four parts are the slices of the whole; more parts have one each", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 2, max: 9 }), (rows, count) => {
      const whole = divisionOf(rows, { index: 0, count: 1 });
      const parts = Array.from({ length: count }, (_, index) => divisionOf(rows, { index, count }));
      for (const [index, { slices }] of parts.entries()) {
        const [first, end] = partOf(rows, { index, count });
        assert.equal(
          slices.reduce((sum, size) => sum + size, 0),
          end - first,
        );
        assert.ok(slices.every((size) => size > 0));
      }
      const slices = parts.flatMap((part) => part.slices);
      if (count <= 4) assert.deepEqual(slices, whole.slices);
      else assert.ok(parts.every((part) => part.slices.length <= 1));
    }),
  );
});

test("however many parts there are, sums of slices meet as (s0 + (s1 + s2)) + ((s3 + s4) + s5)", () => {
  // Words in place of numbers show the order of adding.
  const sums = (rows: number, index: number, count: number, start: number): string[] => {
    const { slices, merges } = divisionOf(rows, { index, count });
    const stack: string[] = [];
    for (const [slice, merge] of merges.entries()) {
      let sum = String.fromCharCode(97 + start + slice);
      for (let left = 0; left < merge; left++) sum = `(${stack.pop()}${sum})`;
      stack.push(sum);
    }
    assert.equal(slices.length, merges.length);
    return stack;
  };
  const all = (count: number, starts: readonly number[]): string[][] =>
    starts.map((start, index) => sums(64, index, count, start));
  assert.deepEqual(all(1, [0]), [["((a(bc))((de)f))"]]);
  assert.deepEqual(all(2, [0, 3]), [["(a(bc))"], ["((de)f)"]]);
  assert.deepEqual(all(3, [0, 2, 4]), [
    ["a", "b"],
    ["c", "d"],
    ["e", "f"],
  ]);
  assert.deepEqual(all(4, [0, 1, 3, 5]), [["a"], ["(bc)"], ["(de)"], ["f"]]);
  // Three pairs: slices b, d and f. What is empty is passed over, and the second of two leaves keeps its place.
  assert.deepEqual(sums(6, 0, 1, 0), ["(a(bc))"]);
  const { slices, leaves, position } = divisionOf(6, { index: 1, count: 3 });
  assert.deepEqual([slices, leaves, position], [[2], 2, 1]);
});
