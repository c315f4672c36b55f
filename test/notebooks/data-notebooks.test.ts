import assert from "node:assert/strict";
import test from "node:test";
import { figureTitles, injectedSource, printed, runSmall } from "./run-notebooks";

test("01-data runs headless: it simulates what is missing and shows spectrum, modes and échelle diagram", async () => {
  const { notebook } = await runSmall("01-data", { run_dir: "run-01" });
  assert.match(injectedSource(notebook)!, /^\/\/ Parameters\nlet data_dir: string = "data";\n/);
  const text = printed(notebook);
  assert.match(text, /simulated 72 spectra/);
  assert.match(text, /data_002\.npy: 24 x 35728 values of float32/);
  assert.match(text, /48 rows read, \d+ kept, \d+ dropped by inc >= 45°/);
  const titles = figureTitles(notebook);
  assert.equal(titles.length, 3);
  assert.match(titles[2]!, /^Échelle diagram, Δν = [\d.]+ µHz$/);
});

test("02-binning runs on the same data and shows the histograms of all fifteen parameters", async () => {
  const { notebook } = await runSmall("02-binning", { run_dir: "run-02" });
  const text = printed(notebook);
  assert.match(text, /digitize gives \[ 1, 1, 2, 3, 4, 0 \]/);
  // The class counts of the fifteen parameters.
  const counts = [...text.matchAll(/(\d+) classes, /g)].map(([, count]) => Number(count));
  assert.deepEqual(counts, [180, 94, 37, 28, 11, 4, 18, 20, 10, 99, 16, 13, 11, 10, 10]);
  assert.deepEqual(figureTitles(notebook), ["The seven parameters of the published network", "The other eight"]);
});
