/** Runs one stage to its end: a notebook in this process, a command in one of its own. */

import { spawn } from "node:child_process";
import { basename, join, resolve } from "node:path";
import { mkdirP } from "../data/files";
import type { DataError } from "../errors";
import { runNotebook } from "../notebook/executor";
import { writeNotebookHtml } from "../notebook/html";
import type { ParameterInput } from "../notebook/parameters";
import { literalPath } from "../notebook/path-template";
import { Interruption } from "../notebook/stop";
import { projectRoot } from "../version";
import { type CommandWork, type NotebookWork, type Pipeline, RESUME, type Stage } from "./pipeline";
import { StageFile } from "./stage-file";

export interface StageRun {
  readonly pipeline: Pipeline;
  readonly stage: Stage;
  /** The stage goes on from where an earlier run was cut off. */
  readonly isResumed: boolean;
  readonly signal: AbortSignal;
  /** Receives lines that the stage prints, and where a notebook is. */
  readonly onLine: (line: string) => void;
}

export interface StageResult {
  readonly status: "done" | "failed" | "interrupted";
  /** Why it did not end well. */
  readonly error: string | null;
}

/** A command that was asked to stop is given this long. */
const STOP_LIMIT_MS = 60_000;

/**
 * Runs a stage; that it fails is a result.
 *
 * @throws {NotebookError} when a notebook or its parameters are wrong.
 * @throws {DataError} when its log or its notebook cannot be written.
 */
export async function runStage(run: StageRun): Promise<StageResult> {
  const { work } = run.stage;
  mkdirP(resolve(run.pipeline.folder, run.pipeline.output));
  return work.kind === "notebook" ? runNotebookStage(run, work) : runCommandStage(run, work);
}

/** The log of a stage that is a command. */
export function logOf({ output }: Pipeline, { name }: Stage): string {
  return `${output}/${name}.log`;
}

/** The page of a stage that is a notebook. */
export function pageOf({ saveAs }: NotebookWork): string {
  return `${saveAs.replace(/\.ipynb$/, "")}.html`;
}

/** A stage's parameters as the executor takes them. */
export function parametersOf({ parameters }: NotebookWork, isResumed: boolean): ParameterInput[] {
  return Object.entries(parameters).map(([name, value]) => ({
    name,
    candidates: [typeof value === "string" ? withResume(value, isResumed) : value],
  }));
}

async function runNotebookStage(
  { pipeline, stage, isResumed, signal, onLine }: StageRun,
  work: NotebookWork,
): Promise<StageResult> {
  const { folder } = pipeline;
  let cells = 0;
  const result = await runNotebook({
    // These paths are filled in already.
    input: literalPath(resolve(folder, work.notebook)),
    output: literalPath(resolve(folder, work.saveAs)),
    parameters: parametersOf(work, isResumed),
    cwd: folder,
    reads: stage.inputs,
    signal,
    ...(stage.ranks > 1 && { ranks: stage.ranks }),
    ...(work.kernel !== null && { kernel: work.kernel }),
    ...(work.timeoutSeconds !== null && { executionTimeoutMs: work.timeoutSeconds * 1000 }),
    onEvent: (event) => {
      if (event.kind === "start") cells = event.cells;
      if (event.kind === "cell-start") onLine(`cell ${event.index + 1} of ${cells}`);
      if (event.kind === "warning") onLine(event.text);
    },
  });
  await writeNotebookHtml(result.notebook, basename(work.notebook, ".ipynb"), resolve(folder, pageOf(work)));
  if (result.outcome === "completed") return { status: "done", error: null };
  return { status: result.outcome === "interrupted" ? "interrupted" : "failed", error: result.error?.message ?? null };
}

async function runCommandStage(run: StageRun, work: CommandWork): Promise<StageResult> {
  const { pipeline, stage, signal } = run;
  const words = work.words.map((word) => withResume(word, run.isResumed));
  if (stage.ranks > 1) words.push("--ranks", String(stage.ranks));
  const log = await StageFile.open(resolve(pipeline.folder, logOf(pipeline, stage)));
  const saved = work.stdout === null ? null : await StageFile.open(resolve(pipeline.folder, work.stdout));
  const child = spawn(process.execPath, [join(projectRoot, "bin", "asterolab.js"), ...words], {
    cwd: pipeline.folder,
    stdio: ["ignore", "pipe", "pipe"],
    // In a group of its own a terminal's Ctrl-C reaches it once, by us; a second one would end it at once.
    detached: true,
  });
  const kill = (name: NodeJS.Signals): void => {
    try {
      process.kill(-child.pid!, name);
    } catch {
      // It has ended.
    }
  };
  const killWithUs = (): void => kill("SIGKILL");
  let limit: NodeJS.Timeout | undefined;
  const stop = (): void => {
    child.kill(signal.reason instanceof Interruption ? signal.reason.signalName : "SIGINT");
    limit = setTimeout(() => kill("SIGKILL"), STOP_LIMIT_MS);
  };
  process.on("exit", killWithUs);
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();
  const tail = forwardLines(child.stderr, (text) => log.write(text), run.onLine);
  child.stdout.on("data", (chunk: Buffer) => {
    log.write(chunk);
    saved?.write(chunk);
  });
  let end: { readonly code: number | null; readonly name: string | null };
  let unwritten: DataError | undefined;
  try {
    end = await new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, name) => resolve({ code, name }));
    });
  } finally {
    clearTimeout(limit);
    signal.removeEventListener("abort", stop);
    process.removeListener("exit", killWithUs);
    for (const file of [log, saved]) {
      const failure = await file?.close();
      unwritten ??= failure;
    }
  }
  if (signal.aborted) return { status: "interrupted", error: null };
  if (end.code === 0 && unwritten !== undefined) throw unwritten;
  if (end.code === 0) return { status: "done", error: null };
  const how = end.code === null ? `by ${end.name}` : `with exit code ${end.code}`;
  const last = tail();
  return { status: "failed", error: `"asterolab ${words.join(" ")}" ended ${how}${last === "" ? "" : `: ${last}`}` };
}

/** Passes text on whole and by line; the function returned gives the last line. */
function forwardLines(
  stream: NodeJS.ReadableStream,
  onText: (text: string) => void,
  onLine: (line: string) => void,
): () => string {
  let rest = "";
  let last = "";
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => {
    onText(text);
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines.filter((candidate) => candidate.trim() !== "")) {
      last = line;
      onLine(line);
    }
  });
  return () => (rest.trim() === "" ? last : rest);
}

function withResume(text: string, isResumed: boolean): string {
  return text.replaceAll(RESUME, isResumed ? "yes" : "no");
}
