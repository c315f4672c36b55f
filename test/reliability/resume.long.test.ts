import test from "node:test";
import { cutAndCompare } from "./cut-runs";

const RUNS = 120;

test("cut up to five times at random steps, runs of every kind go on bit for bit", {
  timeout: 60 * 60_000,
}, async (t) => {
  for (let seed = 0; seed < RUNS; seed++) await cutAndCompare(t, seed, 1 + (seed % 5));
  t.diagnostic(`${RUNS} runs`);
});
