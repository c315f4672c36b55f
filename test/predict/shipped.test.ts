/** The network that comes with Asterolab, on the three Kepler stars that come with it: within the aims of its card. */

import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { KEPLER_GRID } from "../../src/data/grid";
import { HEAD_NAMES } from "../../src/data/parameters";
import { selectEngine } from "../../src/engine";
import {
  EXAMPLE_STARS_FOLDER,
  openModel,
  type Prediction,
  predictSpectra,
  readStars,
  SHIPPED_MODEL,
  type StarSpectrum,
} from "../../src/predict";
import { assertClose } from "../assert-close";

async function predictExamples(change: (star: StarSpectrum) => StarSpectrum = (star) => star): Promise<Prediction[]> {
  await selectEngine("native");
  const { model, config, classEdges, points, calibration } = await openModel(SHIPPED_MODEL);
  try {
    const stars: StarSpectrum[] = [];
    for (const file of ["KIC06117517_famed.txt.gz", "KIC09332840_taco.txt.gz", "KIC11618103_pysyd.txt.gz"]) {
      const path = join(EXAMPLE_STARS_FOLDER, file);
      for await (const star of readStars(path, { points, grid: KEPLER_GRID })) stars.push(change(star));
    }
    const { normalize, rebin } = config;
    return await predictSpectra(model, classEdges, stars, { normalize, rebin, calibration, grid: KEPLER_GRID });
  } finally {
    model.dispose();
  }
}

test("dnu, numax and dp agree with the literature within 2, 5 and 5 %", async () => {
  const predictions = await predictExamples();
  const medians = (head: "dnu" | "numax" | "dp"): number[] =>
    predictions.map(({ parameters }) => parameters[head]!.median);
  // Yu+ 2018 (ApJS 236 42); dp of Vrard+ 2016 (A&A 588 A87) and of TACO.
  assertClose(medians("dnu"), [10.076, 4.422, 9.325], { rtol: 0.02 });
  assertClose(medians("numax"), [118.59, 39.99, 106.86], { rtol: 0.05 });
  assertClose(medians("dp").slice(0, 2), [76.7, 300.5], { rtol: 0.05 });
  for (const { parameters, detection, unusual } of predictions) {
    assert.deepEqual(Object.keys(parameters), [...HEAD_NAMES]);
    assert.equal(detection?.detected, true);
    assert.equal(unusual, false);
  }
});

test("the unit of the power does not matter", async () => {
  const [raw, scaled] = [
    await predictExamples(),
    await predictExamples((star) => ({ ...star, power: star.power.map((value) => value / 4096) })),
  ];
  raw.forEach(({ parameters }, star) => {
    assertClose(scaled[star]!.parameters.dp!.probabilities, parameters.dp!.probabilities, { atol: 1e-4 });
  });
});

test("the file is below 10 MB, calibrated, and names no folder of the machine that made it", async () => {
  assert.ok(statSync(SHIPPED_MODEL).size < 10e6);
  await selectEngine("native");
  const { model, config, calibration } = await openModel(SHIPPED_MODEL);
  model.dispose();
  assert.equal(config.init, null);
  assert.equal(calibration?.temperatures.size, 15);
  assert.equal(readFileSync(SHIPPED_MODEL).includes(".pth"), false);
});
