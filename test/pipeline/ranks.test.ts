/** Stages with `ranks` in the YAML, on real ranks of Open MPI. */

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import type { Cell } from "../../src/notebook/notebook-file";
import { readNotebook, serializeNotebook } from "../../src/notebook/notebook-file";
import { cacheOf, maybeReadRecord, parsePipeline, planPipeline, runPipeline } from "../../src/pipeline";
import { findMpi } from "../distributed/launch-ranks";
import { codeCell, FIXTURES, processesUnder, scripted, textOf } from "../notebook/notebook-builder";

process.env.JUPYTER_PATH = FIXTURES;
process.env.ASTEROLAB_HANG_SECONDS = "600"; // a busy machine is no reason to give up
const { mpirun, skip } = findMpi("openmpi");
if (mpirun !== null) process.env.ASTEROLAB_MPIRUN = mpirun.command;

/** Without the seconds that loading the package takes; one process has no world. */
const OPEN = 'const world = await (globalThis as any)[Symbol.for("asterolab.world")];';
const SUM = `
import { writeFileSync } from "node:fs";
const sum = Float64Array.of((world?.rank ?? 0) + 1);
await world?.allreduce(sum, "sum");
if ((world?.rank ?? 0) === 0) writeFileSync("sum.txt", String(sum[0]));
console.log("rank", world?.rank ?? 0, "of", world?.size ?? 1);`;

class Workshop {
  readonly folder = mkdtempSync(join(tmpdir(), "asterolab-pipeline-ranks-"));

  constructor(t: TestContext) {
    t.after(() => rmSync(this.folder, { recursive: true, force: true }));
  }

  notebook(name: string, kernel: string, ...cells: readonly Cell[]): void {
    const metadata = { kernelspec: { name: kernel, display_name: "", language: "typescript" } };
    const numbered = cells.map((cell, index) => ({ ...cell, id: `cell-${index}` }));
    const text = serializeNotebook({ nbformat: 4, nbformat_minor: 5, metadata, cells: numbered });
    writeFileSync(this.path(`${name}.ipynb`), text);
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Runs the pipeline; tells what happened in a line per stage. */
  async run(yaml: string): Promise<string[]> {
    const lines: string[] = [];
    await runPipeline(parsePipeline(yaml, this.path("p.yaml")), {
      code: "1",
      onEvent: (event) => {
        if (event.kind === "skip") lines.push(`${event.stage.name} skipped`);
        if (event.kind === "start") lines.push(`${event.stage.name} runs: ${event.reasons.join("; ")}`);
        if (event.kind === "end") lines.push(`${event.stage.name} ${event.outcome}`);
        if (event.kind === "blocked") lines.push(`${event.stage.name} blocked by ${event.by.join(", ")}`);
      },
    });
    return lines;
  }
}

const STAGES = `
output: out
stages:
  sum: { notebook: sum.ipynb, ranks: 2, outputs: [sum.txt] }
  use: { notebook: use.ipynb, inputs: [sum.txt] }
  alone: { notebook: use.ipynb, save_as: out/alone.ipynb }
`;

test("a stage runs on its ranks, once; on another number of ranks it runs again and says why", { skip }, async (t) => {
  const shop = new Workshop(t);
  shop.notebook("sum", "asterolab", codeCell(OPEN), codeCell(SUM));
  shop.notebook("use", "scripted", scripted(["stream", "stdout", "seen"]));
  assert.deepEqual(await shop.run(STAGES), [
    "sum runs: it never ran",
    "sum done",
    "use runs: it never ran",
    "use done",
    "alone runs: it never ran",
    "alone done",
  ]);
  assert.equal(readFileSync(shop.path("sum.txt"), "utf8"), "3", "1 + 2: both ranks took part");
  for (const rank of [0, 1]) {
    assert.equal(readFileSync(shop.path(`out/sum.rank-${rank}.log`), "utf8"), `rank ${rank} of 2\n`);
  }
  const { cells } = await readNotebook(shop.path("out/sum.ipynb"));
  assert.match(textOf(cells[1]), /^rank 0 of 2\n[\s\S]*rank 1:\n {4}rank 1 of 2/);
  assert.equal(maybeReadRecord(shop.path("out"))!.stages.sum!.fingerprint.ranks, 2);
  assert.deepEqual(await shop.run(STAGES), ["sum skipped", "use skipped", "alone skipped"]);

  const alone = STAGES.replace("ranks: 2", "ranks: 1");
  const pipeline = parsePipeline(alone, shop.path("p.yaml"));
  const record = maybeReadRecord(shop.path("out"));
  const planned = await planPipeline({ pipeline, record, code: "1", cache: cacheOf(record) });
  assert.deepEqual(
    planned.map(({ stage, state, reasons }) => `${stage.name} ${state} ${reasons.join("; ")}`.trim()),
    ["sum stale it ran on 2 ranks, now on 1", "use waiting after sum", "alone fresh"],
  );
  assert.deepEqual(await shop.run(alone), [
    "sum runs: it ran on 2 ranks, now on 1",
    "sum done",
    'use runs: its input "sum.txt" changed',
    "use done",
    "alone skipped",
  ]);
  assert.equal(readFileSync(shop.path("sum.txt"), "utf8"), "1");
  assert.deepEqual(processesUnder(process.pid), []);
});

test("a rank that fails fails its stage: what depends on it is blocked, the rest runs, no rank is left", {
  skip,
}, async (t) => {
  const shop = new Workshop(t);
  const failing = 'if (world.rank === 1) throw new RangeError("too far");';
  shop.notebook("sum", "asterolab", codeCell(OPEN), codeCell(failing), codeCell(SUM));
  shop.notebook("use", "scripted", scripted(["stream", "stdout", "seen"]));
  assert.deepEqual(await shop.run(STAGES), [
    "sum runs: it never ran",
    "sum failed",
    "use blocked by sum",
    "alone runs: it never ran",
    "alone done",
  ]);
  const { error } = maybeReadRecord(shop.path("out"))!.stages.sum!;
  const text = /stopped at cell 1: RankError: 1 of 2 ranks failed \(rank 1\): RangeError: too far; /;
  assert.match(error!, text);
  assert.deepEqual(processesUnder(process.pid), []);
});

test("ranks of a kernel that has none are refused before anything runs", async (t) => {
  const shop = new Workshop(t);
  const kernels = shop.path("jupyter/kernels/other");
  mkdirSync(kernels, { recursive: true });
  writeFileSync(join(kernels, "kernel.json"), JSON.stringify({ argv: ["x"], display_name: "x", language: "python" }));
  process.env.JUPYTER_PATH = `${FIXTURES}:${shop.path("jupyter")}`;
  t.after(() => {
    process.env.JUPYTER_PATH = FIXTURES;
  });
  shop.notebook("sum", "other", codeCell("1"));
  shop.notebook("use", "scripted", scripted());
  await assert.rejects(
    shop.run(STAGES.replace("sum: {", "first: { notebook: use.ipynb, save_as: out/first.ipynb }\n  sum: {")),
    {
      name: "NotebookError",
      message: 'Cannot run on 2 ranks with kernel "other": its language is "python", expected typescript',
    },
  );
  assert.equal(maybeReadRecord(shop.path("out")), null);
});
