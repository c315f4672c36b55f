import test from "node:test";
import { compactRun, tinyRun, trainAndWatch } from "./long-run";

const STEPS = 10_000;

test("memory stays flat over 10,000 steps of the tiny network", { timeout: 3600_000 }, (t) =>
  trainAndWatch(t, STEPS, tinyRun(t, STEPS)),
);

test("memory stays flat over 10,000 steps of the compact network", { timeout: 4 * 3600_000 }, async (t) => {
  await trainAndWatch(t, STEPS, await compactRun(t, STEPS));
});
