/** Runs what is out of date in a pipeline, in the order of dependencies, independent stages side by side. */

import { resolve } from "node:path";
import { lockRun } from "../checkpoint/run-lock";
import { codeVersion } from "../code-version";
import { mkdirP } from "../data/files";
import { findRankedSpec } from "../notebook/kernelspecs";
import { literalPath } from "../notebook/path-template";
import { kernelNameOf, prepareNotebook } from "../notebook/prepare";
import { version } from "../version";
import { withDependencies } from "./order";
import { writePages } from "./pages";
import type { Pipeline, Stage } from "./pipeline";
import { canResume, examineStage, outputHashes, type PlanContext } from "./plan";
import { cacheOf, maybeReadRecord, type PipelineRecord, type StageRecord, writeRecord } from "./record";
import { parametersOf, runStage, type StageResult } from "./stage";

export interface PipelineRunOptions {
  /** Only these stages and what they depend on; default: all. */
  readonly stages?: readonly string[];
  /** Runs also what is up to date. */
  readonly force?: boolean;
  /** How many stages run side by side; default: 1. */
  readonly jobs?: number;
  /** Ends the running stages; what is left stays for the next run. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: PipelineEvent) => void;
  /** Which code runs; default: `codeVersion()`. */
  readonly code?: string;
}

export type PipelineEvent =
  | { readonly kind: "skip"; readonly stage: Stage }
  | { readonly kind: "start"; readonly stage: Stage; readonly reasons: readonly string[] }
  | { readonly kind: "line"; readonly stage: Stage; readonly text: string }
  | {
      readonly kind: "end";
      readonly stage: Stage;
      readonly outcome: StageOutcome;
      readonly seconds: number;
      readonly error: string | null;
    }
  | { readonly kind: "blocked"; readonly stage: Stage; readonly by: readonly string[] };

/** What became of a stage in a run; `blocked`: one that it depends on did not end well. */
export type StageOutcome = StageResult["status"] | "skipped" | "blocked";

export interface PipelineResult {
  readonly outcomes: ReadonlyMap<string, StageOutcome>;
  readonly record: PipelineRecord;
}

/**
 * Brings the results of a pipeline up to date. The record is written before and after every stage, so that a run that
 * is cut off goes on where it was.
 *
 * @throws {NotebookError} before anything starts, when a notebook, a parameter or a kernel's name is wrong.
 * @throws {CheckpointError} when another run works on the same output folder.
 * @throws {DataError} when the record cannot be read or written.
 */
export async function runPipeline(pipeline: Pipeline, options: PipelineRunOptions = {}): Promise<PipelineResult> {
  const wanted = options.stages === undefined ? pipeline.stages : withDependencies(pipeline.stages, options.stages);
  await checkStages(pipeline, wanted);
  const output = resolve(pipeline.folder, pipeline.output);
  mkdirP(output);
  const lock = await lockRun(output);
  try {
    return await new PipelineRun(pipeline, wanted, output, options).execute();
  } finally {
    await lock.release();
  }
}

class PipelineRun {
  private readonly outcomes = new Map<string, StageOutcome>();
  private readonly record: PipelineRecord;
  private readonly context: PlanContext;
  private readonly signal: AbortSignal;
  private writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly pipeline: Pipeline,
    private readonly wanted: readonly Stage[],
    private readonly output: string,
    private readonly options: PipelineRunOptions,
  ) {
    const known = maybeReadRecord(output);
    // Stages that the file no longer has are forgotten.
    const names = new Set(pipeline.stages.map(({ name }) => name));
    const stages = Object.entries(known?.stages ?? {}).filter(([name]) => names.has(name));
    this.record = {
      version: 1,
      asterolab: version,
      node: process.version,
      stages: Object.fromEntries(stages),
      files: {},
    };
    this.context = { pipeline, record: this.record, code: options.code ?? codeVersion(), cache: cacheOf(known) };
    this.signal = options.signal ?? new AbortController().signal;
  }

  async execute(): Promise<PipelineResult> {
    const running = new Map<string, Promise<void>>();
    const failures: unknown[] = [];
    for (;;) {
      this.blockDependants();
      const ready = this.wanted
        .filter(({ name }) => !this.outcomes.has(name) && !running.has(name))
        .filter((stage) => this.isReady(stage));
      const room = this.signal.aborted || failures.length > 0 ? 0 : (this.options.jobs ?? 1) - running.size;
      for (const stage of ready.slice(0, Math.max(0, room))) {
        const work = this.runStage(stage)
          .catch((error: unknown) => void failures.push(error))
          .finally(() => running.delete(stage.name));
        running.set(stage.name, work);
      }
      if (running.size === 0) break;
      await Promise.race(running.values());
    }
    await this.save();
    if (failures.length > 0) throw failures[0];
    await writePages(this.pipeline, this.record);
    return { outcomes: this.outcomes, record: this.record };
  }

  private isReady({ after }: Stage): boolean {
    const names = after.filter((name) => this.wanted.some((stage) => stage.name === name));
    return names.every((name) => ["done", "skipped"].includes(this.outcomes.get(name) ?? ""));
  }

  private blockDependants(): void {
    for (const stage of this.wanted) {
      const by = stage.after.filter((name) =>
        ["failed", "interrupted", "blocked"].includes(this.outcomes.get(name) ?? ""),
      );
      if (by.length === 0 || this.outcomes.has(stage.name)) continue;
      this.outcomes.set(stage.name, "blocked");
      this.options.onEvent?.({ kind: "blocked", stage, by });
    }
  }

  private async runStage(stage: Stage): Promise<void> {
    const { onEvent } = this.options;
    const examination = await examineStage(stage, this.context);
    const { fingerprint } = examination;
    const reasons = examination.reasons.length === 0 && this.options.force ? ["it was asked for"] : examination.reasons;
    if (reasons.length === 0) {
      this.outcomes.set(stage.name, "skipped");
      onEvent?.({ kind: "skip", stage });
      return;
    }
    onEvent?.({ kind: "start", stage, reasons });
    const startedAt = Date.now();
    const began: StageRecord = {
      status: "running",
      reasons: [...reasons],
      started_at: new Date(startedAt).toISOString(),
      ended_at: null,
      seconds: null,
      error: null,
      fingerprint,
      outputs: {},
    };
    this.record.stages[stage.name] = began;
    await this.save();
    const result = await this.attempt(stage, canResume(examination));
    const seconds = (Date.now() - startedAt) / 1000;
    const outputs = result.status === "done" ? await outputHashes(stage, this.context) : {};
    const missing = Object.keys(outputs).filter((path) => outputs[path] === null);
    const isWhole = missing.length === 0;
    const status = isWhole ? result.status : "failed";
    const error = isWhole
      ? result.error
      : `it ended well, but did not write ${missing.map((path) => `"${path}"`).join(", ")}`;
    this.record.stages[stage.name] = { ...began, status, error, seconds, outputs, ended_at: new Date().toISOString() };
    await this.save();
    this.outcomes.set(stage.name, status);
    onEvent?.({ kind: "end", stage, outcome: status, seconds, error });
  }

  /** A stage that cannot start ends like one that fails: the others go on. */
  private async attempt(stage: Stage, isResumed: boolean): Promise<StageResult> {
    const onLine = (text: string): void => this.options.onEvent?.({ kind: "line", stage, text });
    try {
      return await runStage({ pipeline: this.pipeline, stage, isResumed, signal: this.signal, onLine });
    } catch (error) {
      return { status: "failed", error: (error as Error).message };
    }
  }

  /** One write at a time, each of the record as it is then. */
  private save(): Promise<void> {
    this.writing = this.writing.then(() => {
      this.record.files = Object.fromEntries(this.context.cache);
      return writeRecord(this.output, this.record);
    });
    return this.writing;
  }
}

/**
 * Refuses before anything starts what would be refused when a stage does.
 *
 * @throws {NotebookError} when a notebook, a parameter or a kernel's name is wrong.
 */
export async function checkStages({ folder }: Pipeline, stages: readonly Stage[]): Promise<void> {
  for (const { work, ranks } of stages) {
    if (work.kind === "command") continue;
    const path = literalPath(resolve(folder, work.notebook));
    await prepareNotebook({ input: path, output: path, parameters: parametersOf(work, false) }, (notebook) =>
      findRankedSpec(
        work.kernel ?? kernelNameOf(notebook, work.notebook),
        ranks > 1 ? ranks : undefined,
        notebook.metadata,
      ),
    );
  }
}
