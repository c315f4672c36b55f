/** The tfjs model, evaluated by stock tfjs, gives our logits. */

import { join } from "node:path";
import test from "node:test";
import { saveCheckpoint } from "../../src/checkpoint";
import { type Config, parseConfig } from "../../src/config";
import { convert } from "../../src/convert";
import { selectEngine } from "../../src/engine";
import { temporaryFolder } from "../data/make-shard";
import { compareLogits } from "./compare-logits";
import { networkState, SMALL } from "./networks";

const ROWS = 3;

const cases: readonly [what: string, config: Config, points: number][] = [
  ["heads of classes", SMALL, 200],
  ["a position code", { ...SMALL, pos_enc: true }, 243],
  ["one time step", SMALL, 20],
  ["a regression loss", { ...SMALL, loss: "gaussian_nll" }, 199],
  ["a summary for the trunk", { ...SMALL, summary: 3 }, 200],
  ["three bins to an input", { ...SMALL, rebin: 3, normalize: "background" }, 601],
  ["one stage", parseConfig("default", { heads: ["dnu"], filters: [4], lstm_units: [5, 2], dense_units: 3 }), 64],
];

for (const [what, config, points] of cases) {
  test(`stock tfjs gives our logits from model.json: ${what}`, async (t) => {
    const folder = temporaryFolder(t);
    await selectEngine("native");
    await saveCheckpoint(folder, networkState(config, points), { isBest: false, isEpochEnd: false, keep: 1 });
    await convert(join(folder, "checkpoint.pth"), join(folder, "model.json"));
    await compareLogits(t, folder, { points: Math.floor(points / config.rebin), rows: ROWS, atol: 1e-5 });
  });
}
