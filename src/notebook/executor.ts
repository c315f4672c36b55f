/** Executes a notebook headless: parameters in, cells run in order on a kernel, the result saved after every step. */

import { statSync } from "node:fs";
import { dirname } from "node:path";
import { mkdirP } from "../data/files";
import { type CellError, KernelError, NotebookError } from "../errors";
import { describeIoError } from "../files";
import { type ExecutionSettings, executionSettings } from "./execution-settings";
import { parameterValues } from "./inspect";
import { abortable, Kernel } from "./kernel";
import { findRankedSpec, type KernelSpec, withRankLogs } from "./kernelspecs";
import { startLimit } from "./limit";
import type { Cell, JsonObject, Notebook } from "./notebook-file";
import { RAISES_TAG, SKIP_TAG, tagsOf } from "./notebook-file";
import { NotebookSaver, STANDARD_STREAM } from "./notebook-saver";
import { markTruncated, OutputCollector } from "./outputs";
import { kernelNameOf, type PrepareOptions, prepareNotebook } from "./prepare";
import { collectProvenance, describeKernel, factsOf, type Provenance, setProvenance } from "./provenance";
import { errorOf, NO_QUIRKS, type Quirks, quirksOf } from "./quirks";
import { endCell, endRun, markFailure, type RunOutcome, recordTiming, startCell, startRun } from "./run-record";
import { cellErrorOf, Interruption, inputError, isQuietExit, type Stop, stopOf, timeoutError } from "./stop";
import { WidgetStore } from "./widgets";
import type { Message } from "./wire";

export { Interruption } from "./stop";

/** The time a cell may take and whether it may fail are the notebook's to say, where it says so. */
export interface RunOptions extends Omit<PrepareOptions, "onWarning">, ExecutionSettings {
  /** The folder the kernel runs in; default: the current one. */
  readonly cwd?: string;
  /** Runs every cell on so many ranks; what each printed goes to `<output>.rank-<number>.log`, too. */
  readonly ranks?: number;
  /** Cells with one of these tags are left out, beside those tagged `skip-execution`. */
  readonly skipTags?: readonly string[];
  /** Cells with one of these tags may fail, beside those tagged `raises-exception`. */
  readonly raisesTags?: readonly string[];
  readonly startTimeoutMs?: number;
  /** How long an interrupted cell has to end by itself, on a time-out or a signal, before its kernel is killed. */
  readonly interruptGraceMs?: number;
  /** The time between saves inside a cell; 0 for none. */
  readonly autosaveMs?: number;
  /** False saves at the end alone; default: true. */
  readonly savesSteps?: boolean;
  /** Files and folders the notebook reads, relative to `cwd`: their hashes are recorded. */
  readonly reads?: readonly string[];
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
  /** Where it was saved: the path with parameters filled in. */
  readonly output: string;
}

const START_TIMEOUT_MS = 60_000;
const AUTOSAVE_MS = 30_000;
/** Training saves a checkpoint when it is interrupted. */
const INTERRUPT_GRACE_MS = 10_000;
const ABORT_RETRIES = 3;

/**
 * Runs `input` and saves it as `output`. A failing cell is a result, not an exception.
 *
 * @throws {NotebookError} before anything starts, when the notebook, a parameter or the kernel's name is wrong.
 * @throws {KernelError} when the kernel does not start; the notebook is saved with every cell pending.
 * @throws {DataError} when the output cannot be written.
 */
export async function runNotebook(options: RunOptions): Promise<RunResult> {
  let spec: KernelSpec | undefined;
  const { onEvent } = options;
  const prepared = await prepareNotebook(
    { ...options, onWarning: (text) => onEvent?.({ kind: "warning", text }) },
    (notebook, path) => {
      spec = findRankedSpec(options.kernel ?? kernelNameOf(notebook, path), options.ranks, notebook.metadata);
      return spec;
    },
  );
  const { notebook, input, output, parameters } = prepared;
  const settings = executionSettings(notebook, input, options);
  startRun(notebook, { inputPath: input, outputPath: output, parameters });
  const cwd = options.cwd ?? process.cwd();
  requireFolder(cwd);
  const { reads = [], ranks = 1 } = options;
  const values = spec?.language === "typescript" ? parameterValues(notebook, parameters) : parameters;
  const about = { notebook, path: input, inputs: reads, cwd, ranks, parameters: values };
  const provenance = await collectProvenance(about);
  setProvenance(notebook, provenance);
  if (output !== STANDARD_STREAM) {
    mkdirP(dirname(output));
    spec = withRankLogs(spec!, output);
  }
  const { autosaveMs = AUTOSAVE_MS, savesSteps = true } = options;
  const saver = new NotebookSaver(output, notebook, { autosaveMs, savesSteps });
  try {
    await saver.save();
    const stop = await new Run(notebook, spec!, saver, { ...options, ...settings }, provenance).execute();
    endRun(notebook, stop?.outcome ?? "completed");
    if (stop === undefined || stop.outcome === "completed") {
      return { outcome: "completed", exitCode: 0, notebook, output };
    }
    const { outcome, exitCode } = stop;
    return { outcome, exitCode, error: cellErrorOf(stop, output), notebook, output };
  } catch (error) {
    endRun(notebook, "failed");
    throw error;
  } finally {
    await saver.finish();
  }
}

class Run {
  private readonly widgets: WidgetStore;
  private readonly collector: OutputCollector;
  private quirks: Quirks = NO_QUIRKS;
  private count = 0;
  private askedForInput = false;
  /** A cell was given up while the kernel worked on it. */
  private isBusy = false;

  constructor(
    private readonly notebook: Notebook,
    private readonly spec: KernelSpec,
    private readonly saver: NotebookSaver,
    private readonly options: RunOptions,
    private provenance: Provenance,
  ) {
    this.widgets = new WidgetStore(notebook.metadata);
    this.collector = new OutputCollector(this.widgets);
  }

  /** Runs every cell; resolves with what stopped it, if anything did. */
  async execute(): Promise<Stop | undefined> {
    let kernel: Kernel;
    try {
      kernel = await this.startKernel();
    } catch (error) {
      if (error instanceof Interruption) return stopOf(error);
      throw error;
    }
    try {
      this.quirks = quirksOf(kernel.info);
      this.noteProvenance({ kernel: describeKernel(this.spec.name, kernel.info) });
      this.options.onEvent?.({ kind: "start", cells: this.notebook.cells.length, kernel: this.spec.name });
      const stop = await this.executeCells(kernel);
      this.noteDroppedWidgets();
      this.notebook.metadata.language_info = kernel.info.language_info;
      return stop;
    } finally {
      // A kernel that is still busy with an abandoned cell is not asked to leave.
      await kernel.stop({ isUrgent: this.isBusy || kernel.hasEnded });
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
      const isSkipped = cell.source.trim() === "" || hasTag(cell, SKIP_TAG, this.options.skipTags);
      const isRun = cell.cell_type === "code" && !isSkipped;
      if (isRun) this.saver.step();
      const stop = isRun ? await this.executeCell(kernel, cell) : undefined;
      const hasFailed = stop !== undefined && stop.outcome !== "completed";
      endCell(cell, hasFailed ? "failed" : "completed");
      if (hasFailed) markFailure(this.notebook, cell, stop.error);
      if (isRun) this.saver.step();
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
    if (this.askedForInput) cell.outputs!.push(inputError());
    // As papermill, we believe an error that the kernel shows even if it calls the cell a success.
    if (reply.status === "ok" && !cell.outputs!.some((output) => output.output_type === "error")) return undefined;
    const error = errorOf(cell, reply, this.quirks);
    if (isQuietExit(error)) return { outcome: "completed", exitCode: 0, error };
    const mayFail = this.options.allowErrors || hasTag(cell, RAISES_TAG, this.options.raisesTags);
    if (!mayFail) return { outcome: "failed", exitCode: 1, error };
    await sleep(this.quirks.abortWindowMs);
    return undefined;
  }

  /** Sends the cell; a kernel that still refuses requests after an earlier error is asked again. */
  private async send(kernel: Kernel, cell: Cell): Promise<JsonObject> {
    for (let attempt = 0; ; attempt++) {
      const limit = new AbortController();
      const { executionTimeoutMs } = this.options;
      const timer = startLimit(executionTimeoutMs, () => limit.abort(timeoutError(executionTimeoutMs!)));
      const work = kernel.execute(cell.source, (id) => this.collector.attach(id, cell));
      try {
        const { reply, isComplete } = await abortable(work, limit.signal, this.options.signal);
        for (const update of this.widgets.takeUpdates()) kernel.updateWidget(update);
        // By our clock: tslab dates its replies with the time the cell began.
        recordTiming(cell, "shell.execute_reply", new Date().toISOString());
        if (!isComplete) markTruncated(cell);
        const isRefused = reply.status === "abort" || reply.status === "aborted";
        if (!isRefused || attempt === ABORT_RETRIES) return reply;
      } catch (error) {
        if (!(error instanceof KernelError)) await this.interrupt(kernel, work);
        throw error;
      } finally {
        clearTimeout(timer);
      }
      await sleep(this.quirks.abortWindowMs);
    }
  }

  /** Gives a cell that is not waited for any longer the time to save what it has and to end. */
  private async interrupt(kernel: Kernel, work: Promise<unknown>): Promise<void> {
    this.isBusy = true;
    kernel.interrupt();
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), this.options.interruptGraceMs ?? INTERRUPT_GRACE_MS);
    const end = (): void => {
      this.isBusy = false;
    };
    await abortable(work.then(end, end), limit.signal).catch(() => {});
    clearTimeout(timer);
  }

  private noteDroppedWidgets(): void {
    const count = this.widgets.droppedCount;
    if (count === 0) return;
    const { metadata } = this.notebook;
    metadata.asterolab = { ...(metadata.asterolab as JsonObject | undefined), widgets_dropped: count };
    const text = `the state of ${count} widgets was too much to keep: where they stand, the notebook shows their text`;
    this.options.onEvent?.({ kind: "warning", text });
  }

  private noteProvenance(facts: Partial<Provenance>): void {
    const data = { ...this.provenance.data, ...facts.data };
    this.provenance = { ...this.provenance, ...facts, data };
    setProvenance(this.notebook, this.provenance);
  }

  private onOutput(message: Message): void {
    const cell = this.collector.apply(message);
    if (cell === undefined) return;
    this.saver.noteChange();
    const { msg_type: type, date } = message.header;
    if (type === "update_display_data") this.noteProvenance(factsOf(message.content));
    if (type === "status") recordTiming(cell, `iopub.status.${message.content.execution_state}`, date);
    if (type === "execute_input") recordTiming(cell, "iopub.execute_input", date);
    if (type === "stream") {
      const { name, text } = message.content;
      this.options.onEvent?.({ kind: "stream", name: String(name), text: String(text) });
    }
  }
}

/** @throws {NotebookError} when no kernel can run there: the system would say that its program is not there. */
function requireFolder(cwd: string): void {
  try {
    if (statSync(cwd).isDirectory()) return;
  } catch (cause) {
    throw new NotebookError(`Cannot run in "${cwd}": ${describeIoError(cause)}`, { path: cwd, isRequest: true, cause });
  }
  throw new NotebookError(`Cannot run in "${cwd}": it is a file, expected a folder`, { path: cwd, isRequest: true });
}

function hasTag(cell: Cell, tag: string, others: readonly string[] = []): boolean {
  return tagsOf(cell).some((one) => one === tag || others.includes(one));
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
