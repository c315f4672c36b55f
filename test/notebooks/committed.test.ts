import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { parameterValues } from "../../src/notebook/inspect";
import { type Output, parseNotebook, serializeNotebook, tagsOf } from "../../src/notebook/notebook-file";
import { declaredParameters } from "../../src/notebook/parameter-types";
import { codeHash, maybeProvenance } from "../../src/notebook/provenance";
import { projectRoot } from "../../src/version";

const FOLDER = join(projectRoot, "notebooks");
/** One simulates while it trains, one measures on random spectra and neither reads nor writes files. */
const WITHOUT_DATA = ["05-recipe.ipynb", "07-performance.ipynb"];
const WITHOUT_RUN = ["07-performance.ipynb"];
/** They compute nothing with tfjs: they look at data. */
const WITHOUT_ENGINE = ["01-data.ipynb", "02-binning.ipynb"];
const NAMES = readdirSync(FOLDER).filter((name) => name.endsWith(".ipynb"));

test("the notebooks of the tour are there", () => {
  assert.deepEqual(NAMES.sort().slice(0, 4), [
    "01-data.ipynb",
    "02-binning.ipynb",
    "03-training.ipynb",
    "04-validation.ipynb",
  ]);
});

for (const name of NAMES) {
  const path = join(FOLDER, name);
  const text = readFileSync(path, "utf8");
  const notebook = parseNotebook(text, path);
  const outputs = notebook.cells.flatMap((cell) => cell.outputs ?? []);

  test(`${name} is in the form the executor writes, for the asterolab kernel, below 1 MB`, () => {
    assert.equal(serializeNotebook(notebook), text);
    assert.equal((notebook.metadata.kernelspec as { name: string }).name, "asterolab");
    assert.ok(statSync(path).size < 1e6);
  });

  test(`${name} has one cell of parameters, which names its folders`, () => {
    const cells = notebook.cells.filter((cell) => tagsOf(cell).includes("parameters"));
    assert.equal(cells.length, 1);
    const types = Object.fromEntries(
      declaredParameters(cells[0]!.source).map((parameter) => [parameter.name, parameter.type]),
    );
    assert.equal(types.data_dir, WITHOUT_DATA.includes(name) ? undefined : "string");
    assert.equal(types.run_dir, WITHOUT_RUN.includes(name) ? undefined : "string");
  });

  test(`${name} was executed to its end, in order and without errors`, () => {
    const counts = notebook.cells.flatMap((cell) => (cell.cell_type === "code" ? [cell.execution_count] : []));
    assert.deepEqual(
      counts,
      [...counts.keys()].map((index) => index + 1),
    );
    assert.deepEqual(
      outputs.filter((output) => output.output_type === "error" || isStderr(output)),
      [],
    );
  });

  test(`${name} says where its outputs come from: parameters, versions, engine, data, and the code as it stands`, () => {
    const provenance = maybeProvenance(notebook)!;
    assert.ok(provenance, "it has metadata.asterolab.provenance");
    const { parameters, data } = provenance;
    assert.equal(provenance.code_sha256, codeHash(notebook), "its code was changed after the run");
    assert.deepEqual(parameters, parameterValues(notebook, {}));
    if ("seed" in parameters) assert.ok(Number.isInteger(parameters.seed));
    assert.match(provenance.kernel!, /^asterolab asterolab \d+\.\d+\.\d+ typescript \d/);
    assert.match(provenance.asterolab, /^\d+\.\d+\.\d+$/);
    assert.match(provenance.node, /^v\d+/);
    assert.match(provenance.sources, /^[0-9a-f]{12}$/);
    assert.equal(provenance.ranks, 1);
    // 06-ranks computes on ranks of its own, which tell nothing to the kernel, with the engine it names.
    const engine = provenance.engine ?? parameters.engine ?? null;
    if (WITHOUT_ENGINE.includes(name)) assert.equal(engine, null);
    else assert.match(String(engine), /^(native|tensorflow|cpu)$/);
    const folder = String(parameters.data_dir ?? "");
    assert.equal(Object.keys(data).length > 0, folder !== "");
    for (const [set, hash] of Object.entries(data)) {
      assert.ok(set.startsWith(`${folder} (`), set);
      assert.match(hash, /^[0-9a-f]{64}$/);
    }
    const kept = ["asterolab", "kernelspec", "language_info"];
    assert.deepEqual(Object.keys(notebook.metadata).sort(), kept, "no times of the run");
    assert.equal((notebook.metadata.asterolab as { outcome: unknown }).outcome, "completed");
  });

  test(`${name} shows a picture with every figure, no html, and no path of the machine it ran on`, () => {
    const figures = outputs.filter((output) => "data" in output);
    assert.ok(figures.length > 0);
    for (const figure of figures) {
      const kinds = Object.keys((figure as { data: object }).data).sort();
      assert.deepEqual(kinds, ["application/vnd.plotly.v1+json", "image/png", "text/plain"]);
    }
    for (const place of [homedir(), projectRoot, tmpdir()]) assert.ok(!text.includes(`${place}/`), place);
  });
}

function isStderr(output: Output): boolean {
  return output.output_type === "stream" && output.name === "stderr";
}
