/** The vector functions of the addon against Math, in units in the last place, for every instruction set. */

import assert from "node:assert/strict";
import test from "node:test";
import { type IsaName, loadAddon } from "../../src/engine/native/addon";

const FUNCTIONS = {
  exp: { exact: Math.exp, from: -110, to: 90, ulps: 2 },
  log: { exact: Math.log, from: 0, to: 100, ulps: 2 },
  tanh: { exact: Math.tanh, from: -12, to: 12, ulps: 3 },
  sigmoid: { exact: (x: number) => 1 / (1 + Math.exp(-x)), from: -80, to: 80, ulps: 3 },
} as const;
const { POSITIVE_INFINITY: INFINITY, NaN: NAN } = Number;
const SPECIAL: Readonly<Record<keyof typeof FUNCTIONS, readonly (readonly [number, number])[]>> = {
  exp: [
    [0, 1],
    [-0, 1],
    [-200, 0],
    [200, INFINITY],
    [INFINITY, INFINITY],
    [-INFINITY, 0],
    [NAN, NAN],
  ],
  log: [
    [1, 0],
    [0, -INFINITY],
    [-0, -INFINITY],
    [-1, NAN],
    [-INFINITY, NAN],
    [INFINITY, INFINITY],
    [NAN, NAN],
  ],
  tanh: [
    [0, 0],
    [-0, -0],
    [50, 1],
    [-50, -1],
    [INFINITY, 1],
    [-INFINITY, -1],
    [NAN, NAN],
  ],
  sigmoid: [
    [0, 0.5],
    [200, 1],
    [-200, 0],
    [INFINITY, 1],
    [-INFINITY, 0],
    [NAN, NAN],
  ],
};

for (const isa of ["portable", "avx2", "avx512"] as const satisfies readonly IsaName[]) {
  test(`exp, log, tanh and sigmoid are right to a few units in the last place: ${isa}`, (t) => {
    const addon = loadAddon();
    const best = addon.isa();
    try {
      if (addon.setIsa({ name: isa }) !== isa) return t.skip("this processor has no such instructions");
      for (const [name, { exact, from, to, ulps }] of Object.entries(FUNCTIONS)) {
        const inputs = Float32Array.from({ length: 200_003 }, (_, i) => from + ((to - from) * (i + 0.5)) / 200_003);
        // Small values too, down to the subnormals (1.02^-5200 is 2e-45), where cancellation would show.
        const small = Float32Array.from({ length: 5201 }, (_, i) => 1.02 ** -i * (i % 2 && name !== "log" ? -1 : 1));
        for (const x of [inputs, small]) {
          const out = apply(name as keyof typeof FUNCTIONS, x);
          x.forEach((value, i) => {
            const expected = exact(value);
            const error = Math.abs(out[i]! - expected) / unitInLastPlace(expected);
            // What rounds to infinity in float32 must be infinite.
            const isRight = Number.isFinite(Math.fround(expected)) ? error <= ulps : out[i] === INFINITY;
            assert.ok(isRight, `${name}(${value}) is ${out[i]}, ${error.toFixed(2)} ulp from ${expected}`);
          });
        }
      }
      for (const [name, pairs] of Object.entries(SPECIAL)) {
        const out = apply(
          name as keyof typeof FUNCTIONS,
          Float32Array.from(pairs, ([x]) => x),
        );
        for (const [i, [x, expected]] of pairs.entries())
          assert.ok(Object.is(out[i], expected), `${name}(${x}) is ${out[i]}`);
      }
    } finally {
      addon.setIsa({ name: best });
    }
  });
}

function apply(name: keyof typeof FUNCTIONS, x: Float32Array): Float32Array {
  const out = new Float32Array(x.length);
  loadAddon().applyFunction({ name, size: x.length, out, x });
  return out;
}

/** Distance between neighbouring float32 numbers at `value`. */
function unitInLastPlace(value: number): number {
  const exponent = Math.floor(Math.log2(Math.abs(value) || 2 ** -149));
  return 2 ** (Math.max(exponent, -126) - 23);
}
