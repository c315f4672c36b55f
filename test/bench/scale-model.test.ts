import test from "node:test";
import { fitStep, predict } from "../../src/bench/scale-model";
import { assertClose } from "../assert-close";

const COSTS = {
  fixedSeconds: 0.1,
  secondsPerSample: 0.01,
  hideableShare: 0.5,
  gradientBytes: 1e8,
  machineBytesPerSecond: 1e9,
};
const NETWORK = { ranksPerMachine: 4, bytesPerSecond: 1e9, latencySeconds: 1e-3 };

test("a step's fixed time and time per spectrum are those of the line through the measurements", () => {
  const { fixedSeconds, secondsPerSample } = fitStep([
    { batch: 8, seconds: 0.5 },
    { batch: 16, seconds: 0.7 },
    { batch: 24, seconds: 0.9 },
  ]);
  assertClose([fixedSeconds, secondsPerSample], [0.3, 0.025], { rtol: 1e-12, atol: 0 });
});

test("noise does not make the fixed time negative, and one batch size gives a time per spectrum alone", () => {
  const noisy = fitStep([
    { batch: 1, seconds: 0.5 },
    { batch: 2, seconds: 2 },
  ]);
  assertClose([noisy.fixedSeconds, noisy.secondsPerSample], [0, 1.25 / 1.5], { rtol: 1e-12, atol: 0 });
  const single = fitStep([{ batch: 4, seconds: 2 }]);
  assertClose([single.fixedSeconds, single.secondsPerSample], [0, 0.5], { rtol: 1e-12, atol: 0 });
});

test("one rank has nothing to say; ranks of one machine are hidden behind backward as far as it goes", () => {
  const one = predict(COSTS, NETWORK, 1, 10);
  assertClose([one.seconds_per_step, one.communication_share, one.efficiency], [0.2, 0, 1], { rtol: 1e-12, atol: 0 });
  // 0.1 s of sums, 0.1 s of backward to hide them behind.
  assertClose(predict(COSTS, NETWORK, 4, 10).seconds_per_step, 0.2, { rtol: 1e-12, atol: 0 });
});

test("between machines the ring's traffic and latency add to the step", () => {
  // Two machines: 0.1 s within, 1e8 bytes at 1e9 a second, 2 messages; 0.1 s is hidden.
  const two = predict(COSTS, NETWORK, 8, 10);
  const visible = 0.1 + 0.1 + 0.002 - 0.1;
  assertClose(two.seconds_per_step, 0.2 + visible, { rtol: 1e-12, atol: 0 });
  assertClose(two.communication_share, visible / (0.2 + visible), { rtol: 1e-12, atol: 0 });
  assertClose(two.samples_per_s, 80 / (0.2 + visible), { rtol: 1e-12, atol: 0 });
});
