/**
 * The notebooks of the project in JupyterLab, with small parameters, on both kernels: every cell runs, every figure is
 * drawn, and training is interrupted in its middle. A picture of each page is kept in .cache/browser.
 */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { type Notebook, readNotebook, writeNotebook } from "../../src/notebook/notebook-file";
import { literalPath } from "../../src/notebook/path-template";
import { prepareOnly } from "../../src/notebook/prepare";
import { projectRoot } from "../../src/version";
import { temporaryFolder } from "../data/make-shard";
import { findMpi } from "../distributed/launch-ranks";
import { KERNELS, LabNotebook, noJupyterLab, startJupyterLab } from "./jupyter-lab";
import { keepPicture, noChromium, openChromium, PATIENCE_MS } from "./open-chromium";

type KernelName = keyof typeof KERNELS;

const skip = noChromium || noJupyterLab;
const { mpirun, skip: noMpi } = findMpi("openmpi");
if (mpirun !== null) process.env.ASTEROLAB_MPIRUN = mpirun.command;
process.env.ASTEROLAB_HANG_SECONDS = "600"; // a busy machine is no reason to give up

/** Few and short, but enough that every cell has something to do. */
const SMALL = { data_dir: "data", spectra_per_shard: 24, seed: 3 };

interface Page {
  readonly name: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Figures on the page when it has run. */
  readonly figures: number;
  /** It starts ranks of its own, measures one process, or has nothing to share: one kernel is enough. */
  readonly isForOne?: boolean;
}

/** In this order: 04 looks at the network that 03 has trained. */
const PAGES: readonly Page[] = [
  { name: "01-data", parameters: { ...SMALL, run_dir: "run-01" }, figures: 3 },
  { name: "02-binning", parameters: { ...SMALL, run_dir: "run-02" }, figures: 2 },
  { name: "03-training", parameters: { ...SMALL, run_dir: "run", epochs: 2 }, figures: 3 },
  { name: "04-validation", parameters: { ...SMALL, run_dir: "run", shown_heads: ["dnu", "numax"] }, figures: 3 },
  {
    name: "05-recipe",
    parameters: { run_dir: "run-05", epochs: 1, spectra_per_epoch: 32, held_out: 16 },
    figures: 3,
    isForOne: true,
  },
  {
    name: "06-ranks",
    parameters: { ...SMALL, run_dir: "run-06", epochs: 1, batch_size: 16 },
    figures: 2,
    isForOne: true,
  },
  { name: "07-performance", parameters: { rounds: 1, steps: 1 }, figures: 2, isForOne: true },
  { name: "08-real-stars", parameters: {}, figures: 3, isForOne: true },
];

/** Puts a notebook of the project into the server's folder, with its parameters and the kernel it opens with. */
async function place(folder: string, kernel: KernelName, { name, parameters }: Page): Promise<Notebook> {
  const path = join(folder, `${name}.ipynb`);
  await prepareOnly({
    input: literalPath(join(projectRoot, "notebooks", `${name}.ipynb`)),
    output: literalPath(path),
    parameters: Object.entries(parameters).map(([key, value]) => ({ name: key, candidates: [value] })),
  });
  const notebook = await readNotebook(path);
  notebook.metadata.kernelspec = { name: kernel, display_name: KERNELS[kernel], language: "typescript" };
  for (const cell of notebook.cells) {
    if (cell.cell_type === "code") Object.assign(cell, { outputs: [], execution_count: null });
  }
  await writeNotebook(path, notebook);
  return notebook;
}

function codeCellsOf({ cells }: Notebook): string[] {
  return cells.filter((cell) => cell.cell_type === "code").map(({ source }) => source);
}

async function runPages(t: TestContext, kernel: KernelName, pages: readonly Page[]): Promise<void> {
  const folder = temporaryFolder(t);
  const browser = await openChromium(t);
  const address = await startJupyterLab(t, folder);
  for (const page of pages) {
    await t.test(page.name, { timeout: 2 * PATIENCE_MS }, async () => {
      const cells = codeCellsOf(await place(folder, kernel, page));
      const notebook = await LabNotebook.open(browser, address, `${page.name}.ipynb`, KERNELS[kernel]);
      await notebook.runAll();
      // The last cell has its number, or a cell before it has failed, which the page shows.
      const last = notebook.prompt(cells.length - 1, new RegExp(`^\\[${cells.length}\\]:$`));
      last.catch(() => undefined); // told below, or not at all once a cell has failed
      await Promise.race([
        last,
        notebook
          .errors()
          .first()
          .waitFor()
          .catch(() => undefined),
      ]);
      await keepPicture(notebook.page, `jupyter-lab-${kernel}-${page.name}`);
      assert.deepEqual(await notebook.errors().allInnerTexts(), []);
      await last;
      await notebook.drawn(page.figures);
      await keepPicture(notebook.page, `jupyter-lab-${kernel}-${page.name}`);
      assert.deepEqual(notebook.faults, []);
      await notebook.close();
    });
  }
}

/** The cell in which most of the training takes place, and what it prints at its end. */
const TRAINING = "Training, after the restore";

async function interruptTraining(t: TestContext, kernel: KernelName): Promise<void> {
  const folder = temporaryFolder(t);
  const browser = await openChromium(t);
  const address = await startJupyterLab(t, folder);
  const page = { name: "03-training", parameters: { ...SMALL, run_dir: "run", epochs: 400 }, figures: 2 };
  const cells = codeCellsOf(await place(folder, kernel, page));
  const index = cells.findIndex((source) => source.includes(TRAINING));
  const notebook = await LabNotebook.open(browser, address, "03-training.ipynb", KERNELS[kernel]);
  await notebook.runAll();
  await notebook.outputOf(index).locator("img:visible, .svg-container:visible").first().waitFor();
  await notebook.prompt(index, /^\[\*\]:$/);
  await keepPicture(notebook.page, `jupyter-lab-${kernel}-training`);
  await notebook.interrupt();
  await notebook.outputOf(index).filter({ hasText: "KeyboardInterrupt" }).waitFor();
  await notebook.idle();
  await keepPicture(notebook.page, `jupyter-lab-${kernel}-interrupted`);
  assert.ok(existsSync(join(folder, "run", "checkpoint.pth")), "what was learnt is kept");

  await notebook.restart();
  await notebook.run(0);
  await notebook.prompt(0, /^\[1\]:$/);
  assert.deepEqual(notebook.faults, []);
}

test("every notebook runs on the kernel asterolab", { skip, timeout: 12 * PATIENCE_MS }, (t) =>
  runPages(t, "asterolab", PAGES),
);

test(
  "training is interrupted by the button, keeps its checkpoint, and the kernel restarts",
  {
    skip,
    timeout: 3 * PATIENCE_MS,
  },
  (t) => interruptTraining(t, "asterolab"),
);

test("the notebooks run on two ranks", { skip: skip || noMpi, timeout: 12 * PATIENCE_MS }, (t) =>
  runPages(
    t,
    "asterolab-mpi",
    PAGES.filter(({ isForOne }) => isForOne !== true),
  ),
);

test(
  "training on two ranks is interrupted by the button, and the kernel restarts",
  {
    skip: skip || noMpi,
    timeout: 3 * PATIENCE_MS,
  },
  (t) => interruptTraining(t, "asterolab-mpi"),
);
