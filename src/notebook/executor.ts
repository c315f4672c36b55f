/** Executes a notebook headless: parameters in, cells run in order on a kernel, the result saved after every step. */

import { dirname } from "node:path";
import { mkdirP } from "../data/files";
import { CellError, KernelError, NotebookError } from "../errors";
import { injectParameters, PARAMETERS_TAG } from "./inject";
import { abortable, Kernel } from "./kernel";
import { findKernelSpec, type KernelSpec } from "./kernelspecs";
import type { Cell, ErrorOutput, JsonObject, Notebook } from "./notebook-file";
import { readNotebook, tagsOf } from "./notebook-file";
import { NotebookSaver } from "./notebook-saver";
import { OutputCollector } from "./outputs";
import type { ParameterInput } from "./parameters";
import { errorOf, NO_QUIRKS, type Quirks, quirksOf } from "./quirks";
import { endCell, endRun, markFailure, type RunOutcome, recordTiming, startCell, startRun } from "./run-record";
import type { Message } from "./wire";

export interface RunOptions {
  readonly input: string;
  readonly output: string;
  readonly parameters?: readonly ParameterInput[];
  /** The kernel's name; without it, the notebook's own. */
  readonly kernel?: string;
  /** The folder the kernel runs in; default: the current one. */
  readonly cwd?: string;
  /** The longest a cell may take; default: no limit. */
  readonly executionTimeoutMs?: number;
  readonly startTimeoutMs?: number;
  /** The time between saves inside a cell. */
  readonly autosaveMs?: number;
  /** Ends the run; a reason of class `Interruption` gives its exit code. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: RunEvent) => void;
}

/** What happens during a run; `index` counts the cells of the executed notebook from 0. */
export type RunEvent =
  | { readonly kind: "start"; readonly cells: number; readonly kernel: string }
  | { readonly kind: "cell-start"; readonly index: number; readonly cell: Cell }
  | { readonly kind: "cell-end"; readonly index: number; readonly cell: Cell }
  | { readonly kind: "stream"; readonly name: string; readonly text: string }
  | { readonly kind: "warning"; readonly text: string };

export interface RunResult {
  readonly outcome: RunOutcome;
  /** 0, or what a command ends with: 1 failed or timed out, 138 kernel died, 130 and 143 on SIGINT and SIGTERM. */
  readonly exitCode: number;
  /** Why the run stopped. */
  readonly error?: CellError;
  readonly notebook: Notebook;
}

/** The reason an `AbortSignal` carries when the operating system asks for the end. */
export class Interruption extends Error {
  override readonly name = "Interruption";
  constructor(readonly signalName: "SIGINT" | "SIGTERM" | "SIGHUP") {
    super(`the run was ended by ${signalName}`);
  }
}

class CellTimeout extends Error {
  override readonly name = "CellTimeoutError";
}

/** What ended a run before its last cell. */
interface Stop {
  readonly outcome: RunOutcome;
  readonly exitCode: number;
  readonly error: ErrorOutput;
  /** The cell it happened in, counted as in `RunEvent`; undefined before the first. */
  readonly index?: number;
}

const START_TIMEOUT_MS = 60_000;
const AUTOSAVE_MS = 30_000;
const ABORT_RETRIES = 3;

/**
 * Runs `input` and saves it as `output`. A failing cell is a result, not an exception.
 *
 * @throws {NotebookError} before anything starts, when the notebook, a parameter or the kernel's name is wrong.
 * @throws {KernelError} when the kernel does not start; the notebook is saved with every cell pending.
 * @throws {DataError} when the output cannot be written.
 */
export async function runNotebook(options: RunOptions): Promise<RunResult> {
  const notebook = await readNotebook(options.input);
  const spec = findKernelSpec(options.kernel ?? kernelNameOf(notebook, options.input));
  const inputs = options.parameters ?? [];
  if (inputs.length > 0 && !notebook.cells.some((cell) => tagsOf(cell).includes(PARAMETERS_TAG))) {
    const text = `"${options.input}" has no cell tagged "${PARAMETERS_TAG}": its parameters are set on top, unchecked`;
    options.onEvent?.({ kind: "warning", text });
  }
  const parameters = injectParameters(notebook, inputs, spec.language, options.input);
  startRun(notebook, { inputPath: options.input, outputPath: options.output, parameters });
  await mkdirP(dirname(options.output));
  const saver = new NotebookSaver(options.output, notebook, options.autosaveMs ?? AUTOSAVE_MS);
  try {
    await saver.save();
    const stop = await new Run(notebook, spec, saver, options).execute();
    endRun(notebook, stop?.outcome ?? "completed");
    if (stop === undefined) return { outcome: "completed", exitCode: 0, notebook };
    const { outcome, exitCode } = stop;
    return { outcome, exitCode, error: cellErrorOf(stop, options.output), notebook };
  } catch (error) {
    endRun(notebook, "failed");
    throw error;
  } finally {
    await saver.finish();
  }
}

class Run {
  private readonly collector = new OutputCollector();
  private quirks: Quirks = NO_QUIRKS;
  private count = 0;
  private askedForInput = false;

  constructor(
    private readonly notebook: Notebook,
    private readonly spec: KernelSpec,
    private readonly saver: NotebookSaver,
    private readonly options: RunOptions,
  ) {}

  /** Runs every cell; resolves with what stopped it, if anything did. */
  async execute(): Promise<Stop | undefined> {
    let kernel: Kernel;
    try {
      kernel = await this.startKernel();
    } catch (error) {
      if (error instanceof Interruption) return stopOf(error);
      throw error;
    }
    let stop: Stop | undefined;
    try {
      this.quirks = quirksOf(kernel.info);
      this.options.onEvent?.({ kind: "start", cells: this.notebook.cells.length, kernel: this.spec.name });
      stop = await this.executeCells(kernel);
      this.notebook.metadata.language_info = kernel.info.language_info;
      return stop;
    } finally {
      // A kernel that is still busy with an abandoned cell is not asked to leave.
      await kernel.stop({ isUrgent: stop !== undefined && stop.outcome !== "failed" });
    }
  }

  private startKernel(): Promise<Kernel> {
    return Kernel.start(this.spec, {
      cwd: this.options.cwd ?? process.cwd(),
      startTimeoutMs: this.options.startTimeoutMs ?? START_TIMEOUT_MS,
      signal: this.options.signal,
      onOutput: (message) => this.onOutput(message),
      onInputRequest: () => {
        this.askedForInput = true;
      },
      onProcessOutput: (text) => this.options.onEvent?.({ kind: "stream", name: "kernel", text }),
    });
  }

  private async executeCells(kernel: Kernel): Promise<Stop | undefined> {
    for (const [index, cell] of [...this.notebook.cells].entries()) {
      this.options.onEvent?.({ kind: "cell-start", index, cell });
      startCell(cell);
      const isRun = cell.cell_type === "code" && cell.source.trim() !== "";
      if (isRun) await this.saver.save();
      const stop = isRun ? await this.executeCell(kernel, cell) : undefined;
      endCell(cell, stop === undefined ? "completed" : "failed");
      if (stop !== undefined) markFailure(this.notebook, cell, stop.error);
      if (isRun) await this.saver.save();
      this.options.onEvent?.({ kind: "cell-end", index, cell });
      if (stop !== undefined) return { ...stop, index };
    }
    return undefined;
  }

  private async executeCell(kernel: Kernel, cell: Cell): Promise<Stop | undefined> {
    this.askedForInput = false;
    let reply: JsonObject;
    try {
      reply = await this.send(kernel, cell);
    } catch (error) {
      const stop = stopOf(error);
      cell.outputs!.push(stop.error);
      return stop;
    }
    this.count++;
    cell.execution_count = typeof reply.execution_count === "number" ? reply.execution_count : this.count;
    if (reply.status === "ok" && !this.askedForInput) return undefined;
    if (this.askedForInput) cell.outputs!.push(inputError());
    const error = errorOf(cell, reply, this.quirks);
    if (!tagsOf(cell).includes("raises-exception")) return { outcome: "failed", exitCode: 1, error };
    await sleep(this.quirks.abortWindowMs);
    return undefined;
  }

  /** Sends the cell; a kernel that still refuses requests after an earlier error is asked again. */
  private async send(kernel: Kernel, cell: Cell): Promise<JsonObject> {
    for (let attempt = 0; ; attempt++) {
      const limit = new AbortController();
      const { executionTimeoutMs } = this.options;
      const timer =
        executionTimeoutMs === undefined
          ? undefined
          : setTimeout(() => limit.abort(timeoutError(executionTimeoutMs)), executionTimeoutMs);
      try {
        const work = kernel.execute(cell.source, (id) => this.collector.attach(id, cell));
        const { reply, isComplete } = await abortable(work, limit.signal, this.options.signal);
        // By our clock: tslab dates its replies with the time the cell began.
        recordTiming(cell, "shell.execute_reply", new Date().toISOString());
        if (!isComplete) markTruncated(cell);
        const isRefused = reply.status === "abort" || reply.status === "aborted";
        if (!isRefused || attempt === ABORT_RETRIES) return reply;
      } finally {
        clearTimeout(timer);
      }
      await sleep(this.quirks.abortWindowMs);
    }
  }

  private onOutput(message: Message): void {
    const cell = this.collector.apply(message);
    if (cell === undefined) return;
    this.saver.noteChange();
    const { msg_type: type, date } = message.header;
    if (type === "status") recordTiming(cell, `iopub.status.${message.content.execution_state}`, date);
    if (type === "execute_input") recordTiming(cell, "iopub.execute_input", date);
    if (type === "stream") {
      const { name, text } = message.content;
      this.options.onEvent?.({ kind: "stream", name: String(name), text: String(text) });
    }
  }
}

function kernelNameOf(notebook: Notebook, path: string): string {
  const spec = notebook.metadata.kernelspec as JsonObject | undefined;
  if (typeof spec?.name === "string") return spec.name;
  const message = `Cannot tell which kernel runs "${path}": its metadata names none; give one with --kernel`;
  throw new NotebookError(message, { path, isRequest: true });
}

function stopOf(error: unknown): Stop {
  const { name, message } = error as Error;
  const output: ErrorOutput = {
    output_type: "error",
    ename: name,
    evalue: message,
    traceback: [`${name}: ${message}`],
  };
  if (error instanceof Interruption) {
    return { outcome: "interrupted", exitCode: EXIT_CODES[error.signalName], error: output };
  }
  if (error instanceof CellTimeout) return { outcome: "timed-out", exitCode: 1, error: output };
  if (error instanceof KernelError) return { outcome: "kernel-died", exitCode: 138, error: output };
  throw error;
}

const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

function timeoutError(timeoutMs: number): CellTimeout {
  return new CellTimeout(`the cell took longer than ${timeoutMs / 1000} s`);
}

function inputError(): ErrorOutput {
  const evalue = "the cell asked for keyboard input, and nobody is there to give it";
  return { output_type: "error", ename: "InputRequestError", evalue, traceback: [`InputRequestError: ${evalue}`] };
}

function markTruncated(cell: Cell): void {
  cell.metadata.asterolab = { ...(cell.metadata.asterolab as JsonObject | undefined), outputs_truncated: true };
  const text = "[asterolab] the kernel never reported the end of this cell's output: some of it may be lost\n";
  cell.outputs!.push({ output_type: "stream", name: "stderr", text });
}

function cellErrorOf({ error, index }: Stop, path: string): CellError {
  const where = index === undefined ? "before its first cell" : `at cell ${index}`;
  const message = `Notebook "${path}" stopped ${where}: ${error.ename}: ${error.evalue}`;
  return new CellError(message, index ?? -1, error.ename, error.evalue, error.traceback);
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
