/**
 * The speed of the TypeScript kernel and of the executor: what a notebook costs beside what its cells compute. Each round
 * starts a kernel of its own.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KernelError } from "../errors";
import { runNotebook } from "../notebook/executor";
import { Kernel } from "../notebook/kernel";
import { findKernelSpec } from "../notebook/kernelspecs";
import { createCell, type Notebook, writeNotebook } from "../notebook/notebook-file";
import type { Message } from "../notebook/wire";
import { type Summary, summarize } from "./statistics";

export interface KernelBench {
  readonly kernel: string;
  /** From the start of its process to its first answer. */
  readonly ready_s: Summary;
  /** From the start of its process to the end of a first trivial cell: the compiler has started by then. */
  readonly first_cell_s: Summary;
  /** From the request to the end of a cell that computes nothing, one after another. */
  readonly trivial_cell_ms: Summary;
  /** `import` of this package in the next cell. */
  readonly import_s: Summary;
  /** Trivial cells again: each is compiled beside the types of the whole package. */
  readonly cell_after_import_ms: Summary;
  /** A notebook of trivial cells, run and saved: start and end of the kernel included. */
  readonly notebook: { readonly cells: number; readonly seconds: Summary };
  /** One cell that prints; all of it received. */
  readonly output: { readonly megabytes: number; readonly seconds: Summary };
}

export interface KernelBenchOptions {
  readonly rounds: number;
  readonly kernel?: string;
  readonly onRound?: (round: number) => void;
}

const TRIVIAL_CELLS = 100;
const OUTPUT_LINES = 500_000;
const LINE_CHARACTERS = 100;
const START_TIMEOUT_MS = 60_000;

/**
 * Measures a kernel for TypeScript.
 *
 * @throws {NotebookError} when no such kernel is installed.
 * @throws {KernelError} when it does not start, a cell fails, or output is missing.
 */
export async function benchKernel(options: KernelBenchOptions): Promise<KernelBench> {
  const { rounds, kernel = "asterolab", onRound } = options;
  const folder = await mkdtemp(join(tmpdir(), "asterolab-bench-"));
  const measured: Round[] = [];
  try {
    for (let round = 1; round <= rounds; round++) {
      measured.push({ ...(await measureCells(kernel, folder)), notebook: await measureNotebook(kernel, folder) });
      onRound?.(round);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  return {
    kernel,
    ready_s: summarize(measured.map(({ ready }) => ready)),
    first_cell_s: summarize(measured.map(({ firstCell }) => firstCell)),
    trivial_cell_ms: summarize(measured.flatMap(({ cells }) => cells)),
    import_s: summarize(measured.map(({ imported }) => imported)),
    cell_after_import_ms: summarize(measured.flatMap(({ laterCells }) => laterCells)),
    notebook: { cells: TRIVIAL_CELLS, seconds: summarize(measured.map(({ notebook }) => notebook)) },
    output: {
      megabytes: (OUTPUT_LINES * LINE_CHARACTERS) / 1e6,
      seconds: summarize(measured.map(({ output }) => output)),
    },
  };
}

/** Of one kernel; seconds, cells in ms. */
interface Round {
  readonly ready: number;
  readonly firstCell: number;
  readonly imported: number;
  readonly cells: readonly number[];
  readonly laterCells: readonly number[];
  readonly output: number;
  readonly notebook: number;
}

async function measureCells(name: string, folder: string): Promise<Omit<Round, "notebook">> {
  let received = 0;
  const onOutput = ({ header, content }: Message): void => {
    if (header.msg_type === "stream") received += (content.text as string).length;
  };
  const startedAt = performance.now();
  const kernel = await Kernel.start(findKernelSpec(name), { cwd: folder, startTimeoutMs: START_TIMEOUT_MS, onOutput });
  const ready = (performance.now() - startedAt) / 1000;
  try {
    await secondsOf(kernel, "1 + 1");
    const firstCell = (performance.now() - startedAt) / 1000;
    const cells = await trivialCells(kernel);
    const imported = await secondsOf(kernel, 'import * as asterolab from "asterolab";\nObject.keys(asterolab).length');
    const laterCells = await trivialCells(kernel);
    const line = "x".repeat(LINE_CHARACTERS - 1);
    received = 0;
    const output = await secondsOf(
      kernel,
      `for (let line = 0; line < ${OUTPUT_LINES}; line++) console.log(${JSON.stringify(line)});`,
    );
    if (received !== OUTPUT_LINES * LINE_CHARACTERS) {
      throw new KernelError(
        `Kernel "${name}" must print ${OUTPUT_LINES * LINE_CHARACTERS} characters, ${received} came`,
        "",
      );
    }
    return { ready, firstCell, imported, cells, laterCells, output };
  } finally {
    await kernel.stop();
  }
}

async function trivialCells(kernel: Kernel): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < TRIVIAL_CELLS; index++) times.push(1000 * (await secondsOf(kernel, `${index} + 1`)));
  return times;
}

async function measureNotebook(kernel: string, folder: string): Promise<number> {
  const cells = Array.from({ length: TRIVIAL_CELLS }, (_, index) => createCell("code", `${index} + 1`, []));
  const notebook: Notebook = { cells, metadata: {}, nbformat: 4, nbformat_minor: 5 };
  const input = join(folder, "trivial.ipynb");
  await writeNotebook(input, notebook);
  const startedAt = performance.now();
  const result = await runNotebook({ input, output: join(folder, "trivial-run.ipynb"), kernel, cwd: folder });
  if (result.error !== undefined) throw result.error;
  return (performance.now() - startedAt) / 1000;
}

async function secondsOf(kernel: Kernel, code: string): Promise<number> {
  const startedAt = performance.now();
  const { reply } = await kernel.execute(code);
  if (reply.status !== "ok") throw new KernelError(`A cell of the measurement failed: ${reply.evalue}`, "");
  return (performance.now() - startedAt) / 1000;
}
