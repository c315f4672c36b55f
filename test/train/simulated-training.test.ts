/** Training on stars that are simulated while it reads them. */

import assert from "node:assert/strict";
import { join } from "node:path";
import test, { before, type TestContext } from "node:test";
import { loadCheckpointFile } from "../../src/checkpoint";
import { type ConfigSpec, parseConfig } from "../../src/config";
import { selectEngine } from "../../src/engine";
import { train } from "../../src/train/loop";
import { temporaryFolder } from "../data/make-shard";

before(async () => {
  await selectEngine("native");
});

const SPEC: ConfigSpec = {
  num_epochs: 2,
  num_batchsize: 4,
  heads: ["dnu", "numax"],
  filters: [4, 4, 4],
  kernel_size: 7,
  lstm_units: [6, 6],
  dense_units: 10,
  dropout: 0.2,
  normalize: "background",
  rebin: 27,
  summary: 4,
  edges: { dnu: { from: 0.95, to: 19.5, classes: 12, spacing: "log" } },
  simulate: { spectra: 12, validation_spectra: 8, days: [27, 1470], gaps: 0.2, workers: 1 },
};

async function run(
  t: TestContext,
  options: { stopAtStep?: number; path?: string; spec?: ConfigSpec } = {},
): Promise<{ path: string; losses: Map<number, number>; validation: number | null }> {
  const path = options.path ?? join(temporaryFolder(t), "run");
  const stop = new AbortController();
  const losses = new Map<number, number>();
  const result = await train(parseConfig("default", { ...SPEC, ...options.spec }), {
    path,
    restore: options.path !== undefined,
    signal: stop.signal,
    onEvent: (event) => {
      if (event.kind !== "train") return;
      losses.set(event.step, event.loss);
      if (event.step === options.stopAtStep) stop.abort();
    },
  });
  return { path, losses, validation: result.validation?.loss ?? null };
}

test("a run cut in the middle of an epoch of simulated stars goes on bit for bit", async (t) => {
  const whole = await run(t);
  assert.equal(whole.losses.size, 6);
  const cut = await run(t, { stopAtStep: 4 });
  const rest = await run(t, { path: cut.path });
  assert.deepEqual([...cut.losses, ...rest.losses], [...whole.losses]);
  assert.equal(rest.validation, whole.validation);
  const [one, other] = await Promise.all(
    [whole.path, cut.path].map((path) => loadCheckpointFile(join(path, "model.pth"))),
  );
  assert.deepEqual(one!.model, other!.model);
  assert.equal(one!.settings!.config.edges.dnu!.length, 13);
});

test("another seed has other stars, another number of workers the same", async (t) => {
  const spec = { num_epochs: 1 };
  const one = await run(t, { spec });
  const workers = await run(t, { spec: { ...spec, simulate: { ...(SPEC.simulate as object), workers: 2 } } });
  const seed = await run(t, { spec: { ...spec, seed: 2 } });
  assert.deepEqual(workers.losses, one.losses);
  assert.notDeepEqual(seed.losses, one.losses);
});

test("a run cannot go on with stars of another prior", async (t) => {
  const { path } = await run(t, { stopAtStep: 2 });
  await assert.rejects(run(t, { path, spec: { simulate: { ...(SPEC.simulate as object), prior: "flat" } } }), {
    name: "CheckpointError",
    message:
      /^Cannot restore the run from ".*checkpoint\.pth": it was trained on other data than "simulated stars \(flat, seed 1\)"/,
  });
});
