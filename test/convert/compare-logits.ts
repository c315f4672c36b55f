/** Holds a converted model, loaded over HTTP as a browser loads it, against our own network. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";
import type { TestContext } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { selectEngine } from "../../src/engine";
import { openModel } from "../../src/predict";
import { Random } from "../../src/random";
import { assertClose } from "../assert-close";

/**
 * Compares the logits of random spectra by the checkpoint and by the `model.json` of a folder.
 *
 * @param atol largest difference allowed between float32 sums in another order, beside a relative one of 1e-4
 */
export async function compareLogits(
  t: TestContext,
  folder: string,
  { points, rows, atol }: { points: number; rows: number; atol: number },
): Promise<void> {
  const { spectra, logits: expected } = await nativeLogits(folder, { points, rows });
  const heads = expected.map(([head]) => head);

  await tf.setBackend("cpu");
  const graph = await tf.loadGraphModel(`${await serve(t, folder)}/model.json`);
  const input = tf.tensor2d(spectra, [rows, points]);
  const logits = graph.predict(input) as Record<string, tf.Tensor2D>;
  assert.deepEqual(Object.keys(logits), heads);
  for (const [head, values] of expected)
    assertClose(logits[head]!.arraySync().flat(), values.flat(), { rtol: 1e-4, atol });
  assert.deepEqual(
    graph.inputs.map(({ name, shape }) => [name, shape]),
    [["spectra", [-1, points]]],
  );
  tf.dispose([input, logits]);
  graph.dispose();
}

/** Random spectra and what the checkpoint of a folder gives for them on our engine, [rows, classes] by head. */
export async function nativeLogits(
  folder: string,
  { points, rows }: { points: number; rows: number },
): Promise<{ spectra: Float32Array; logits: (readonly [string, number[][]])[] }> {
  const random = new Random(11);
  const spectra = Float32Array.from({ length: rows * points }, () => -Math.log(random.uniform()));
  await selectEngine("native");
  const { model } = await openModel(folder);
  const logits = model.heads.map((head, index) => {
    const values = tf.tidy(() => model.forward(tf.tensor2d(spectra, [rows, points]))[index]!.arraySync());
    return [head, values as number[][]] as const;
  });
  model.dispose();
  return { spectra, logits };
}

/** Serves a folder's files, and others by name, on the loopback interface; returns the address. */
export async function serve(
  t: TestContext,
  folder: string,
  others: Readonly<Record<string, string | Uint8Array>> = {},
): Promise<string> {
  const server = createServer((request, response) => {
    const name = basename(request.url!);
    if (name === "favicon.ico") response.writeHead(204).end();
    else response.end(others[name] ?? readFileSync(join(folder, name)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
