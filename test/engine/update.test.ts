import assert from "node:assert/strict";
import test from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { selectEngine } from "../../src/engine";
import { adamUpdate, globalNorm } from "../../src/engine/update";
import { Random } from "../../src/random";
import { assertClose } from "../assert-close";
import { ENGINES, skipOf } from "../engines";
import { adam } from "../reference/adam";

function normal(length: number, ...stream: number[]): Float32Array {
  const random = new Random(3, ...stream);
  return Float32Array.from({ length }, () => random.normal());
}

function variables(lengths: readonly number[], values: (length: number) => Float32Array): tf.Variable[] {
  return lengths.map((length) => tf.tidy(() => tf.variable(tf.tensor1d(values(length)))));
}

for (const engine of ENGINES) {
  test(`${engine}: Adam gives PyTorch's numbers while beta1 and the rate change`, {
    skip: skipOf(engine),
  }, async () => {
    await selectEngine(engine);
    const [p] = variables([4], () => Float32Array.of(1, -2, 0.5, 0));
    const [m] = variables([4], (length) => new Float32Array(length));
    const [v] = variables([4], (length) => new Float32Array(length));
    for (let step = 1; step <= 3; step++) {
      adamUpdate({
        parameters: [p!],
        gradients: [tf.tensor1d([0.1 * step, -3, 1e-4, 0])],
        firstMoments: [m!],
        secondMoments: [v!],
        step,
        learningRate: 0.01 / step,
        beta1: 0.95 - 0.02 * step,
        beta2: 0.999,
        epsilon: 1e-8,
        gradientScale: 0.5,
      });
    }
    // torch.optim.Adam 2.13, float32, the same gradients times 0.5: parameters, exp_avg, exp_avg_sq after three steps.
    assertClose(p!.dataSync(), [0.9826580882072449, -1.982741117477417, 0.4827445149421692, 0], { rtol: 2e-7 });
    assertClose(m!.dataSync(), [0.02734464965760708, -0.37018948793411255, 1.233964940183796e-5, 0], { rtol: 3e-7 });
    assertClose(v!.dataSync(), [3.49850051861722e-5, 0.00674325181171298, 7.492502278327873e-12, 0], { rtol: 3e-7 });
  });

  test(`${engine}: the first moment is exact at the nearer end, as torch.lerp's is`, {
    skip: skipOf(engine),
  }, async () => {
    await selectEngine(engine);
    const [p, m, v] = [1, 1e8, 1].map((value) => tf.variable(tf.tensor1d([value])));
    const scalars = { learningRate: 0.01, beta2: 0.999, epsilon: 1e-8, gradientScale: 1 };
    const lists = { parameters: [p!], firstMoments: [m!], secondMoments: [v!] };
    adamUpdate({ ...lists, ...scalars, gradients: [tf.tensor1d([1])], step: 1, beta1: 0 });
    // torch.tensor([1e8]).lerp(torch.tensor([1.]), 1.0) is 1; 1e8 + (1 - 1e8) is 0 in float32.
    assert.deepEqual([...m!.dataSync()], [1]);
    adamUpdate({ ...lists, ...scalars, gradients: [tf.tensor1d([1e8])], step: 2, beta1: 1 - 2 ** -30 });
    // torch.tensor([1.]).lerp(torch.tensor([1e8]), 2 ** -30): 1.0931...
    assertClose(m!.dataSync(), 1 + 1e8 * 2 ** -30, { rtol: 1e-6 });
  });

  test(`${engine}: Adam follows the double-precision reference over many sizes and both forms of lerp`, {
    skip: skipOf(engine),
  }, async () => {
    await selectEngine(engine);
    const lengths = [1, 17, 16_384, 16_385, 40_001];
    for (const beta1 of [0.9, 0.3]) {
      const p = variables(lengths, (length) => normal(length, 1));
      const m = variables(lengths, (length) => normal(length, 2));
      const v = variables(lengths, (length) => normal(length, 3).map(Math.abs));
      const states = lengths.map((_, i) => ({
        parameter: Float64Array.from(p[i]!.dataSync()),
        first: Float64Array.from(m[i]!.dataSync()),
        second: Float64Array.from(v[i]!.dataSync()),
      }));
      const scalars = { learningRate: 0.01, beta1, beta2: 0.999, epsilon: 1e-8, gradientScale: 0.25 };
      for (let step = 1; step <= 3; step++) {
        const gradients = lengths.map((length) => normal(length, 4, step));
        adamUpdate({
          parameters: p,
          gradients: gradients.map((values) => tf.tensor1d(values)),
          firstMoments: m,
          secondMoments: v,
          step,
          ...scalars,
        });
        for (const [i, state] of states.entries()) adam(state, Float64Array.from(gradients[i]!), { step, ...scalars });
      }
      for (const [i, { parameter, first, second }] of states.entries()) {
        assertClose(p[i]!.dataSync(), parameter, { rtol: 1e-5, atol: 1e-6 });
        assertClose(m[i]!.dataSync(), first, { rtol: 1e-5, atol: 1e-6 });
        assertClose(v[i]!.dataSync(), second, { rtol: 1e-5, atol: 1e-7 });
      }
    }
  });

  test(`${engine}: the global norm is accumulated in float64`, { skip: skipOf(engine) }, async () => {
    await selectEngine(engine);
    // In float32 the second array would vanish beside the first.
    const arrays = [new Float32Array(50_001).fill(1e4), new Float32Array(70_003).fill(1)];
    const exact = Math.sqrt(50_001 * 1e8 + 70_003);
    assertClose(globalNorm(arrays.map((values) => tf.tensor1d(values))), exact, { rtol: 1e-13 });
    assert.equal(globalNorm([]), 0);
    assert.ok(Number.isNaN(globalNorm([tf.tensor1d([1, Number.NaN])])));
    assert.equal(globalNorm([tf.tensor1d([3e38, 3e38, 1])]), Math.sqrt(2 * Math.fround(3e38) ** 2 + 1));
  });

  test(`${engine}: a NaN gradient reaches its parameter, as in PyTorch`, { skip: skipOf(engine) }, async () => {
    await selectEngine(engine);
    const [p, m, v] = [0, 1, 2].map(() => variables([2], (length) => new Float32Array(length))[0]!);
    adamUpdate({ ...single(p!, m!, v!), gradients: [tf.tensor1d([Number.NaN, 1])] });
    const [first, second] = p!.dataSync();
    assert.ok(Number.isNaN(first) && Number.isFinite(second));
  });

  test(`${engine}: what anybody holds of a variable stays as it was when Adam runs`, {
    skip: skipOf(engine),
  }, async () => {
    await selectEngine(engine);
    const mine = new Float32Array(5000).fill(1);
    const p = tf.variable(tf.tensor1d(mine));
    const [m, v] = [0, 1].map(() => variables([5000], (length) => new Float32Array(length))[0]!);
    const update = { ...single(p, m!, v!), gradients: [tf.ones([5000])] };
    adamUpdate(update);
    assert.ok(
      mine.every((value) => value === 1),
      "the caller's array changed",
    );
    const clone = tf.clone(p); // shares memory, unread
    adamUpdate({ ...update, step: 2 });
    const read = p.dataSync() as Float32Array;
    assert.notEqual(clone.dataSync()[7], read[7], "the clone changed");
    clone.dispose();
    const copy = read.slice();
    adamUpdate({ ...update, step: 3 });
    assert.deepEqual(read, copy, "an array that was read changed");
    assert.notDeepEqual(p.dataSync(), copy);
  });

  test(`${engine}: lists, shapes and steps that do not fit are refused`, { skip: skipOf(engine) }, async () => {
    await selectEngine(engine);
    const [p, m, v] = [0, 1, 2].map(() => variables([2], (length) => new Float32Array(length))[0]!);
    const update = { ...single(p!, m!, v!), gradients: [tf.zeros([2])] };
    const refuses = (change: object, message: string): void =>
      assert.throws(() => adamUpdate({ ...update, ...change }), { name: "RangeError", message });
    refuses({ step: 0 }, "Cannot run adamUpdate: step must be an integer from 1, got 0");
    refuses({ step: 1.5 }, "Cannot run adamUpdate: step must be an integer from 1, got 1.5");
    refuses({ gradients: [] }, "Cannot run adamUpdate: gradients has 0 tensors, expected 1");
    refuses({ gradients: [tf.zeros([3])] }, "Cannot run adamUpdate: gradients[0] has shape [3], expected [2]");
    assert.throws(() => adamUpdate({ ...update, gradients: [tf.zeros([2], "int32")] }), {
      name: "TypeError",
      message: "Cannot run adamUpdate: gradients[0] must be float32, got int32",
    });
    assert.throws(() => globalNorm([tf.zeros([2], "int32")]), {
      name: "TypeError",
      message: "Cannot run globalNorm: gradients[0] must be float32, got int32",
    });
  });
}

test("on the native engine parameters keep their memory from step to step", async () => {
  await selectEngine("native");
  const [p, m, v] = [0, 1, 2].map(() => variables([5000], (length) => new Float32Array(length))[0]!);
  const update = { ...single(p!, m!, v!), gradients: [tf.ones([5000])] };
  adamUpdate(update); // moves from the caller's array to memory of its own
  const { dataId } = p!;
  for (let step = 2; step < 5; step++) adamUpdate({ ...update, step });
  assert.equal(p!.dataId, dataId);
});

function single(p: tf.Variable, m: tf.Variable, v: tf.Variable) {
  return {
    parameters: [p],
    firstMoments: [m],
    secondMoments: [v],
    step: 1,
    learningRate: 0.01,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    gradientScale: 1,
  };
}
