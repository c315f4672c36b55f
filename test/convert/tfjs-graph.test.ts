/** The tfjs model, loaded over HTTP as a browser does and evaluated by stock tfjs, gives our logits. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";
import test, { type TestContext } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { saveCheckpoint } from "../../src/checkpoint";
import { type Config, parseConfig } from "../../src/config";
import { convert } from "../../src/convert";
import { selectEngine } from "../../src/engine";
import { openModel } from "../../src/predict";
import { Random } from "../../src/random";
import { assertClose } from "../assert-close";
import { temporaryFolder } from "../data/make-shard";
import { networkState, SMALL } from "./networks";

const ROWS = 3;

/** Largest difference allowed between float32 sums in another order. */
const TOLERANCE = { rtol: 1e-4, atol: 1e-5 };

const cases: readonly [what: string, config: Config, points: number][] = [
  ["heads of classes", SMALL, 200],
  ["a position code", { ...SMALL, pos_enc: true }, 243],
  ["one time step", SMALL, 20],
  ["a regression loss", { ...SMALL, loss: "gaussian_nll" }, 199],
  ["one stage", parseConfig("default", { heads: ["dnu"], filters: [4], lstm_units: [5, 2], dense_units: 3 }), 64],
];

for (const [what, config, points] of cases) {
  test(`stock tfjs gives our logits from model.json: ${what}`, async (t) => {
    const folder = temporaryFolder(t);
    await saveCheckpoint(folder, networkState(config, points), { isBest: false, isEpochEnd: false, keep: 1 });
    await convert(join(folder, "checkpoint.pth"), join(folder, "model.json"));
    const random = new Random(11);
    const spectra = Float32Array.from({ length: ROWS * points }, () => -Math.log(random.uniform()));

    await selectEngine("native");
    const { model } = await openModel(folder);
    const expected = model.heads.map((head, index) => {
      return [head, tf.tidy(() => model.forward(tf.tensor2d(spectra, [ROWS, points]))[index]!.arraySync())] as const;
    });
    model.dispose();

    await tf.setBackend("cpu");
    const graph = await tf.loadGraphModel(await serve(t, folder));
    const input = tf.tensor2d(spectra, [ROWS, points]);
    const logits = graph.predict(input) as Record<string, tf.Tensor2D>;
    assert.deepEqual(Object.keys(logits), config.heads);
    for (const [head, values] of expected) assertClose(logits[head]!.arraySync().flat(), values.flat(), TOLERANCE);
    assert.deepEqual(
      graph.inputs.map(({ name, shape }) => [name, shape]),
      [["spectra", [-1, points]]],
    );
    tf.dispose([input, logits]);
    graph.dispose();
  });
}

/** Serves a folder's files on the loopback interface; returns the model's address. */
async function serve(t: TestContext, folder: string): Promise<string> {
  const server = createServer((request, response) => response.end(readFileSync(join(folder, basename(request.url!)))));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.json`;
}
