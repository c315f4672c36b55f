import assert from "node:assert/strict";
import test from "node:test";
import { constant, oneCycle } from "../../src/train/schedule";

// torch 2.13: OneCycleLR(Adam, max_lr=0.01, total_steps=T), (lr, betas[0]) before each of the T optimizer steps, as repr().
const TORCH_LR_10 = [
  0.0003999999999999993, 0.0052, 0.01, 0.009504846320134737, 0.008117456539497631, 0.0061126202193628925,
  0.003887419780637108, 0.00188258346050237, 0.0004951936798652628, 4e-8,
];
const TORCH_BETA_10 = [
  0.95, 0.8999999999999999, 0.85, 0.854951556604879, 0.8688255099070633, 0.8888739533021842, 0.9111260466978157,
  0.9311744900929366, 0.945048443395121, 0.95,
];
const TORCH_LR_7 = [
  0.0003999999999999993, 0.009805566273349588, 0.009190443762697106, 0.00672683836480545, 0.003577387757396571,
  0.0009929679189326559, 4e-8,
];
const TORCH_LR_3 = [0.009944154354509118, 0.00462637102666975, 4e-8];

const learningRates = (totalSteps: number) => {
  const schedule = oneCycle({ maxLearningRate: 0.01, totalSteps });
  return Array.from({ length: totalSteps }, (_, step) => schedule.at(step).learningRate);
};

test("oneCycle() gives PyTorch's learning rates to the last digit", () => {
  assert.deepEqual(learningRates(10), TORCH_LR_10);
  assert.deepEqual(learningRates(7), TORCH_LR_7);
  assert.deepEqual(learningRates(3), TORCH_LR_3);
  assert.deepEqual(learningRates(1), [4e-8]);
});

test("oneCycle() cycles beta1 against the learning rate as PyTorch does", () => {
  const schedule = oneCycle({ maxLearningRate: 0.01, totalSteps: 10 });
  assert.deepEqual(
    TORCH_BETA_10.map((_, step) => schedule.at(step).beta1),
    TORCH_BETA_10,
  );
});

test("oneCycle() holds its last value past the end", () => {
  const schedule = oneCycle({ maxLearningRate: 0.01, totalSteps: 10 });
  for (const step of [10, 11, 1000]) assert.deepEqual(schedule.at(step), schedule.at(9));
});

test("oneCycle() survives a rising phase of no length, where PyTorch divides by zero", () => {
  const schedule = oneCycle({ maxLearningRate: 0.01, totalSteps: 10, risingFraction: 0.1 });
  assert.deepEqual(schedule.at(0), { learningRate: 0.01, beta1: 0.85 });
  assert.deepEqual(schedule.at(9), { learningRate: 4e-8, beta1: 0.95 });
});

test("oneCycle() refuses a cycle without steps", () => {
  assert.throws(() => oneCycle({ maxLearningRate: 0.01, totalSteps: 0 }), {
    name: "RangeError",
    message: "Cannot make a one-cycle schedule: totalSteps must be a positive integer, not 0",
  });
});

test("constant() never changes", () => {
  assert.deepEqual(constant(1e-4).at(0), { learningRate: 1e-4, beta1: 0.9 });
  assert.deepEqual(constant(1e-4).at(12345), { learningRate: 1e-4, beta1: 0.9 });
});
