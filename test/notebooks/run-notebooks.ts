/** Runs a notebook of the project with small parameters, in a folder shared by the tests of one file. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { type RunOptions, type RunResult, runNotebook } from "../../src/notebook/executor";
import { type Cell, type DisplayOutput, type Notebook, tagsOf } from "../../src/notebook/notebook-file";
import { projectRoot } from "../../src/version";

const folder = mkdtempSync(join(tmpdir(), "asterolab-notebooks-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Few and short, but enough that every cell has something to do. */
const SMALL = { data_dir: "data", spectra_per_shard: 24, seed: 3 };

type SmallOptions = Pick<RunOptions, "ranks"> & { readonly output?: string };

/** @param options others than usual; `output` is relative to the shared folder */
export function runSmall(
  name: string,
  parameters: Readonly<Record<string, unknown>>,
  options: SmallOptions = {},
): Promise<RunResult> {
  return runWith(name, { ...SMALL, ...parameters }, options);
}

/** The same without the parameters of a data set, for a notebook that has none. */
export async function runWith(
  name: string,
  parameters: Readonly<Record<string, unknown>>,
  options: SmallOptions = {},
): Promise<RunResult> {
  const inputs = Object.entries(parameters).map(([key, value]) => ({
    name: key,
    candidates: [value],
  }));
  const result = await runNotebook({
    input: join(projectRoot, "notebooks", `${name}.ipynb`),
    ranks: options.ranks,
    output: join(folder, options.output ?? `${name}.ipynb`),
    cwd: folder,
    parameters: inputs,
  });
  assert.equal(result.error?.message, undefined);
  assert.equal(result.exitCode, 0);
  return result;
}

/** The figures of a notebook, with the titles of plotly's JSON. */
export function figureTitles(notebook: Notebook): string[] {
  return notebook.cells
    .flatMap((cell) => cell.outputs ?? [])
    .filter((output): output is DisplayOutput => "data" in output)
    .map(({ data }) => {
      assert.ok(typeof data["image/png"] === "string" || typeof data["image/svg+xml"] === "string");
      return (data["application/vnd.plotly.v1+json"] as { layout: { title: { text: string } } }).layout.title.text;
    });
}

/** What the code cells printed. */
export function printed(notebook: Notebook): string {
  const streams = notebook.cells.flatMap((cell: Cell) => cell.outputs ?? []);
  return streams.map((output) => (output.output_type === "stream" ? output.text : "")).join("");
}

export function injectedSource(notebook: Notebook): string | undefined {
  return notebook.cells.find((cell) => tagsOf(cell).includes("injected-parameters"))?.source;
}
