import test from "node:test";
import { PRESETS } from "../../src/config";
import { trainAndWatch } from "./long-run";

const { filters, lstm_units, dense_units, heads } = PRESETS.compact;

test("memory stays flat over 10,000 steps of the tiny network", { timeout: 3600_000 }, (t) =>
  trainAndWatch(t, 10_000, {}),
);

test("memory stays flat over 10,000 steps of the compact network", { timeout: 3600_000 }, (t) =>
  trainAndWatch(t, 10_000, { filters, lstm_units, dense_units, heads, edges: {}, validation: { every_epochs: 10 } }),
);
