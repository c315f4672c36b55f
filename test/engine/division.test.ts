/** Parts of a batch give the numbers of the whole, bit for bit: activations, and gradients once they are added as a tree. */

import assert from "node:assert/strict";
import test from "node:test";
import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { divisionOf } from "../../src/data/division";
import { partOf } from "../../src/data/share";
import { selectEngine } from "../../src/engine";
import { summedBy } from "../../src/engine/division";
import { secondLeafOf } from "../../src/engine/gradient-tap";
import { convBlock, dense, lstm } from "../../src/engine/ops";
import { assertClose } from "../assert-close";

interface Op {
  readonly name: string;
  readonly x: readonly number[];
  readonly parameters: readonly (readonly number[])[];
  readonly run: (x: Tensor, parameters: readonly Tensor[]) => Tensor;
}

const conv = (length: number, cin: number, cout: number, kernel: number): Op => ({
  name: `convBlock ${length} x ${cin} -> ${cout}, ${kernel} taps`,
  x: [length, cin],
  parameters: [[cout, cin, kernel], [cout], [cout], [cout]],
  run: (x, [weight, bias, scale, shift]) =>
    convBlock(x as Tensor3D, {
      weight: weight as Tensor3D,
      bias: bias as Tensor1D,
      scale: scale as Tensor1D,
      shift: shift as Tensor1D,
    }),
});

/** Each form of the convolution: direct; in groups smaller than slices; by channel blocks; with spectra made on the fly. */
const OPS: readonly Op[] = [
  conv(301, 1, 8, 51),
  conv(700, 8, 16, 51),
  conv(441, 16, 32, 51),
  conv(60, 64, 130, 13),
  conv(60, 130, 144, 13),
  {
    name: "lstm",
    x: [19, 12],
    parameters: [[80, 12], [80, 20], [80], [80]],
    run: (x, [weightIh, weightHh, biasIh, biasHh]) =>
      lstm(x as Tensor3D, {
        weightIh: weightIh as Tensor2D,
        weightHh: weightHh as Tensor2D,
        biasIh: biasIh as Tensor1D,
        biasHh: biasHh as Tensor1D,
      }),
  },
  {
    name: "dense",
    x: [700],
    parameters: [[37, 700], [37]],
    run: (x, [weight, bias]) => dense(x as Tensor2D, weight as Tensor2D, bias as Tensor1D, "tanh"),
  },
];

interface Part {
  readonly out: Float32Array;
  readonly dx: Float32Array;
  /** Of each parameter, what reaches the other ranks. */
  readonly leaves: readonly (readonly Float32Array[])[];
}

/** Forward and backward of one part of a batch. */
function partial(op: Op, rows: number, index: number, count: number, isDivided = true): Part {
  const [first, end] = partOf(rows, { index, count });
  return tf.tidy(() => {
    const whole = tf.randomNormal([rows, ...op.x], 0, 1, "float32", 1);
    const x = tf.slice(whole, first, end - first);
    const parameters = op.parameters.map((shape, seed) =>
      tf.randomNormal([...shape], shape.length === 1 ? 0.5 : 0, 0.2, "float32", seed + 2),
    );
    const division = divisionOf(rows, { index, count });
    return summedBy(isDivided ? division : undefined, () => {
      let out: Float32Array = new Float32Array();
      const [dx, ...gradients] = tf.grads((input, ...others) => {
        const value = op.run(input!, others);
        out = value.dataSync().slice() as Float32Array;
        const weights = tf.randomNormal([rows, ...value.shape.slice(1)], 0, 1, "float32", 99);
        return tf.sum(tf.mul(value, tf.slice(weights, first, end - first)));
      })([x, ...parameters]);
      return {
        out,
        dx: dx!.dataSync() as Float32Array,
        leaves: gradients.map((gradient) => {
          const leaf = gradient.dataSync() as Float32Array;
          const other = secondLeafOf(gradient);
          if (!isDivided || division.leaves === 1) return [leaf];
          return division.position === 0 ? [leaf, other ?? zeros(leaf)] : [zeros(leaf), leaf];
        }),
      };
    });
  });
}

/** The parts together, as ranks add them. */
function joined(op: Op, rows: number, count: number): { out: Buffer; dx: Buffer; gradients: Float32Array[] } {
  const parts = Array.from({ length: count }, (_, index) => index)
    .filter((index) => partOf(rows, { index, count })[1] > partOf(rows, { index, count })[0])
    .map((index) => ({ index, ...partial(op, rows, index, count) }));
  const gradients = op.parameters.map((_, parameter) => {
    const sample = parts[0]!.leaves[parameter]!;
    const all = Array.from({ length: count }, () => sample.map(zeros));
    for (const { index, leaves } of parts) all[index] = [...leaves[parameter]!];
    const [a, b, c, d, e, f] = all.flat();
    if (count === 1) return a!;
    if (count === 2) return plus(a!, b!);
    if (count === 4) return plus(plus(a!, b!), plus(c!, d!));
    return plus(plus(a!, plus(b!, c!)), plus(plus(d!, e!), f!));
  });
  const together = (field: "out" | "dx"): Buffer => Buffer.concat(parts.map((part) => bytesOf(part[field])));
  return { out: together("out"), dx: together("dx"), gradients };
}

const zeros = (like: Float32Array): Float32Array => new Float32Array(like.length);
const plus = (a: Float32Array, b: Float32Array): Float32Array => a.map((value, index) => value + b[index]!);

for (const op of OPS) {
  test(`${op.name}: one, two, three and four parts give the same bits`, async () => {
    // Some parts of 5 rows are empty, or have one slice of two.
    for (const rows of [5, 26]) {
      await selectEngine("native", { threads: 1 });
      const whole = joined(op, rows, 1);
      const plain = partial(op, rows, 0, 1, false);
      plain.leaves.forEach(([gradient], index) => {
        const largest = gradient!.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        assertClose(whole.gradients[index]!, gradient!, { rtol: 1e-4, atol: 1e-5 * largest });
      });
      for (const count of [2, 3, 4]) {
        // The number of threads must not matter either.
        await selectEngine("native", { threads: count === 2 && rows === 5 ? 2 : 1 });
        const parts = joined(op, rows, count);
        assert.ok(parts.out.equals(whole.out), `outputs of ${rows} rows in ${count} parts`);
        assert.ok(parts.dx.equals(whole.dx), `input gradients of ${rows} rows in ${count} parts`);
        parts.gradients.forEach((gradient, index) => {
          const isSame = bytesOf(gradient).equals(bytesOf(whole.gradients[index]!));
          assert.ok(isSame, `gradient ${index} of ${rows} rows in ${count} parts`);
        });
      }
    }
  });
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
