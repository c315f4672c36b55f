/** The addon by itself: nothing is written outside an output, and no argument is believed. */

import assert from "node:assert/strict";
import test from "node:test";
import { type Addon, loadAddon } from "../../src/engine/native/addon";
import { type AddonCase, addonCases, backwardCase, CONV_SIZES } from "./addon-cases";

type Fields = Record<string, unknown>;
type Op = (fields: Fields) => unknown;

const GUARD = 64; // floats on either side of an output
const SENTINEL = 1234.5;

const addon = loadAddon();
const cases = allCases(addon);

for (const testCase of cases) {
  test(`${testCase.op} writes all of its outputs and nothing beside them, at any alignment`, () => {
    const aligned = guarded(testCase, 0);
    call(testCase.op, aligned.fields);
    for (const shift of [1, 3]) {
      const shifted = guarded(testCase, shift);
      call(testCase.op, shifted.fields);
      for (const [index, array] of shifted.arrays.entries()) {
        assert.deepEqual(array.view, aligned.arrays[index]!.view, "results depend on the alignment");
      }
      for (const { whole, view, name } of shifted.arrays) {
        assert.ok(!view.includes(Number.NaN), `${name} was not written completely`);
        const start = (view.byteOffset - whole.byteOffset) / 4;
        whole.forEach((value, i) => {
          if (i < start || i >= start + view.length)
            assert.equal(value, SENTINEL, `${name} was overrun at ${i - start}`);
        });
      }
    }
  });

  test(`${testCase.op} gives the same bits for every number of threads`, () => {
    const results = [1, 2, 3, 5].map((count) => {
      addon.setThreads({ count });
      const { fields, arrays } = guarded(testCase, 0);
      const value = call(testCase.op, fields);
      return { value, arrays: arrays.map(({ view }) => view), fields: fields.parameters };
    });
    addon.setThreads({ count: 2 });
    for (const result of results) assert.deepEqual(result, results[0]);
  });

  test(`${testCase.op} refuses arrays of a wrong type or length, by name`, () => {
    const { fields } = guarded(testCase, 0);
    for (const [name, value] of Object.entries(fields)) {
      const wrongs = wrongArrays(value);
      for (const { wrong, path, expected } of wrongs) {
        assert.throws(
          () => call(testCase.op, { ...guarded(testCase, 0).fields, [name]: wrong }),
          (error: Error) =>
            error instanceof (expected === "range" ? Error : TypeError) &&
            error.message.startsWith(`${testCase.op}: `) &&
            error.message.includes(`${name}${path}`),
          `${name}: ${describe(wrong)}`,
        );
      }
    }
  });

  test(`${testCase.op} refuses missing and impossible scalars, by name`, () => {
    for (const [name, value] of Object.entries(testCase.scalars)) {
      const wrongs: unknown[] = [undefined, null, {}, []];
      if (typeof value !== "string") wrongs.push("1", Symbol.iterator.toString());
      if (typeof value === "number") wrongs.push(Number.NaN, Number.POSITIVE_INFINITY);
      if (isSize(name)) wrongs.push(0, -1, 1.5, 2 ** 31);
      if (name === "threshold") wrongs.push(-1, 0.5, 2 ** 32);
      for (const wrong of wrongs) {
        assert.throws(
          () => call(testCase.op, { ...guarded(testCase, 0).fields, [name]: wrong }),
          (error: Error) => error instanceof TypeError && error.message.startsWith(`${testCase.op}: ${name} must be`),
          `${name} = ${String(wrong)}`,
        );
      }
    }
    for (const wrong of [undefined, null, 1, "x"]) {
      assert.throws(() => (addon[testCase.op as keyof Addon] as Op)(wrong as unknown as Fields), {
        name: "TypeError",
        message: `${testCase.op}: the argument must be an object of named values`,
      });
    }
  });

  test(`${testCase.op} refuses sizes whose product no array can have`, () => {
    const sizes = Object.keys(testCase.scalars).filter(isSize);
    if (sizes.length < 2) return;
    const huge = Object.fromEntries(sizes.map((name) => [name, 2 ** 31 - 1]));
    assert.throws(() => call(testCase.op, { ...guarded(testCase, 0).fields, ...huge }), /must/);
  });

  test(`${testCase.op} refuses an output that shares memory with another argument`, () => {
    const { fields, arrays } = guarded(testCase, 0);
    const floats = Object.entries(testCase.inputs).filter(([, value]) => value instanceof Float32Array);
    for (const { name, view } of arrays) {
      for (const [input, value] of floats) {
        if (testCase.outputs[input] !== undefined) continue;
        // One block of memory that holds both, one element apart.
        const shared = new Float32Array(Math.max(view.length, value.length) + 1);
        const bent = { [name]: shared.subarray(0, view.length), [input]: shared.subarray(1, 1 + value.length) };
        if (typeof testCase.outputs[name] !== "number") continue;
        if (view.length === 1 && value.length === 1) continue;
        assert.throws(() => call(testCase.op, { ...fields, ...bent }), /must not share memory with/);
      }
    }
  });
}

test("a kernel with an even number of taps is refused", () => {
  assert.throws(() => addon.convBlockSavedSize({ ...CONV_SIZES, kernel: 50 }), {
    name: "RangeError",
    message: "convBlockSavedSize: kernel must be odd, got 50",
  });
});

/** The words of a division (src/engine/division.ts). */
function divisionOf(whole: number, slices: readonly number[], merges: readonly number[]): Int32Array {
  const words = new Int32Array(13);
  words[0] = whole;
  words.set(slices, 1);
  words.set(merges, 7);
  return words;
}

for (const testCase of cases.filter(({ op }) => op.endsWith("Backward") && op !== "logBackward")) {
  test(`${testCase.op} refuses divisions that are no tree of at most two sums over all rows`, () => {
    const run = (division: unknown) => call(testCase.op, { ...guarded(testCase, 0).fields, division });
    run(divisionOf(3, [3], [0]));
    // What is saved of a divided block has another size.
    if (testCase.op !== "convBlockBackward") run(divisionOf(9, [1, 2], [0, 1])); // a part of a larger batch
    const wrong: readonly Int32Array[] = [
      divisionOf(3, [2], [0]), // a row too few
      divisionOf(4, [2, 2], [0, 1]), // a row too many
      divisionOf(2, [3], [0]), // more than the whole
      divisionOf(3, [4, -1], [0, 1]),
      divisionOf(3, [1, 2], [0, 2]), // merged with what is not there
      divisionOf(3, [1, 2], [0, -1]),
      divisionOf(3, [1, 1, 1], [0, 0, 0]), // three sums
    ];
    for (const division of wrong) {
      assert.throws(() => run(division), {
        name: "RangeError",
        message: `${testCase.op}: division must cover 3 rows with a tree of two sums`,
      });
    }
    assert.throws(() => run(new Int32Array(12)), {
      name: "TypeError",
      message: `${testCase.op}: division must be a Int32Array of 13 elements, got a Int32Array of 12 elements`,
    });
  });
}

test("labels outside their head are refused by row and head", () => {
  const testCase = cases.find(({ op }) => op === "headsCrossEntropy")!;
  for (const label of [-1, 2, 2 ** 31 - 1]) {
    const labels = Int32Array.of(16, 1, 0, label, 5, 1);
    assert.throws(() => call("headsCrossEntropy", { ...guarded(testCase, 0).fields, labels }), {
      name: "RangeError",
      message: `headsCrossEntropy: the label of row 1, head 1 must be in [0, 1], got ${label}`,
    });
  }
});

test("Adam's lists must go together, and nothing changes when one does not", () => {
  const { fields } = guarded(cases.find(({ op }) => op === "adamUpdate")!, 0);
  const parameters = fields.parameters as Float32Array[];
  const before = parameters.map((array) => array.slice());
  const short = (fields.gradients as Float32Array[]).slice(0, 1);
  assert.throws(() => call("adamUpdate", { ...fields, gradients: short }), /gradients must go with parameters/);
  const wrong = [parameters[0]!.slice(), new Float32Array(3)];
  assert.throws(
    () => call("adamUpdate", { ...fields, gradients: wrong }),
    /gradients\[1\] must be a Float32Array of 1001/,
  );
  assert.deepEqual(parameters, before);
});

test("thread counts and instruction sets are checked", () => {
  assert.throws(() => addon.setThreads({ count: 0 }), { name: "TypeError" });
  assert.throws(() => addon.setThreads({ count: 1e6 }), { name: "RangeError", message: /at most 4096/ });
  assert.throws(() => addon.setIsa({ name: "sse9" as "avx2" }), {
    name: "RangeError",
    message: /portable, avx2 or avx512/,
  });
  assert.equal(addon.threads(), 2);
});

function allCases({ convBlockSavedSize }: Addon): readonly AddonCase[] {
  addon.setThreads({ count: 2 });
  const forwards = addonCases(convBlockSavedSize(CONV_SIZES));
  const saved = (op: string): { saved: Float32Array; out: Float32Array } => {
    const { fields } = guarded(forwards.find((testCase) => testCase.op === op)!, 0);
    call(op, fields);
    return fields as unknown as { saved: Float32Array; out: Float32Array };
  };
  const conv = saved("convBlockForward");
  const lstm = saved("lstmForward");
  return [
    ...forwards,
    backwardCase("convBlockBackward", conv.saved, conv.out),
    backwardCase("lstmBackward", lstm.saved, lstm.out),
  ];
}

interface GuardedArray {
  readonly name: string;
  readonly whole: Float32Array;
  readonly view: Float32Array;
}

/** Arguments whose outputs lie between sentinels, `shift` floats off alignment, filled with NaN; inputs are copies. */
function guarded({ scalars, inputs, outputs }: AddonCase, shift: number): { fields: Fields; arrays: GuardedArray[] } {
  const arrays: GuardedArray[] = [];
  const output = (name: string, length: number): Float32Array => {
    const whole = new Float32Array(length + 2 * GUARD + shift).fill(SENTINEL);
    const view = whole.subarray(GUARD + shift, GUARD + shift + length).fill(Number.NaN);
    arrays.push({ name, whole, view });
    return view;
  };
  const moved = <T extends Float32Array | Int32Array>(array: T): T => {
    const copy = new (array.constructor as new (length: number) => T)(array.length + shift);
    copy.set(array, shift);
    return copy.subarray(shift) as T;
  };
  const fields: Fields = { ...scalars };
  for (const [name, value] of Object.entries(inputs)) {
    fields[name] = Array.isArray(value) ? value.map(moved) : moved(value as Float32Array);
  }
  for (const [name, length] of Object.entries(outputs)) {
    fields[name] =
      typeof length === "number" ? output(name, length) : length.map((size, i) => output(`${name}[${i}]`, size));
  }
  return { fields, arrays };
}

function call(op: string, fields: Fields): unknown {
  return (addon[op as keyof Addon] as unknown as Op)(fields);
}

function isSize(name: string): boolean {
  return /^(m|n|k|batch|length|steps|inputs|units|outputs|size|period|inChannels|outChannels|kernel|step)$/.test(name);
}

interface WrongArray {
  readonly wrong: unknown;
  readonly path: string;
  readonly expected: "type" | "range";
}

/** Values that must be refused where `value`, an array or a list of arrays, stands. */
function wrongArrays(value: unknown): WrongArray[] {
  const type = (wrong: unknown, path = ""): WrongArray => ({ wrong, path, expected: "type" });
  if (Array.isArray(value)) {
    const lists: WrongArray[] = [undefined, {}, new Float32Array(3), 7].map((wrong) => type(wrong));
    const others: unknown[] = [undefined, null, Float64Array.from(value[0] as Float32Array), [1, 2], 7];
    return [...lists, ...others.map((wrong) => type([wrong, ...value.slice(1)], "[0]"))];
  }
  if (!(value instanceof Float32Array || value instanceof Int32Array)) return [];
  const same = value instanceof Float32Array ? Float32Array : Int32Array;
  const other = value instanceof Float32Array ? Int32Array : Float32Array;
  return [
    undefined,
    7,
    "array",
    {},
    Array.from(value),
    new other(value.length),
    new Float64Array(value.length),
    new same(value.length + 1),
    new same(value.length - 1),
    new same(0),
    new DataView(new ArrayBuffer(value.byteLength)),
    new ArrayBuffer(value.byteLength),
  ].map((wrong) => type(wrong));
}

function describe(value: unknown): string {
  return ArrayBuffer.isView(value) ? `${value.constructor.name} of ${value.byteLength} bytes` : String(value);
}
