/** Tells which stages have to run, and why: each is compared with what its last run was made from. */

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { counted } from "../counted";
import { type FingerprintCache, fingerprintText, maybeFingerprint } from "../fingerprint";
import { readNotebook } from "../notebook/notebook-file";
import { maybeKernelName } from "../notebook/prepare";
import { codeHash } from "../notebook/provenance";
import type { Pipeline, Stage } from "./pipeline";
import type { PipelineRecord, StageFingerprint, StageRecord } from "./record";

/** How a stage stands: nothing to do, something to do, or to be seen when those before it have run. */
export type StageState = "fresh" | "stale" | "waiting";

export interface PlannedStage {
  readonly stage: Stage;
  readonly state: StageState;
  /** Why it has to run, or what it waits for; empty when fresh. */
  readonly reasons: readonly string[];
  /** Of its last run; null when it never ran. */
  readonly record: StageRecord | null;
}

export interface PlanContext {
  readonly pipeline: Pipeline;
  readonly record: PipelineRecord | null;
  /** Which code runs, see `codeVersion`. */
  readonly code: string;
  readonly cache: FingerprintCache;
}

const COMMAND = "command";

/**
 * Looks at all stages, in their order.
 *
 * @throws {NotebookError} when a notebook cannot be read.
 */
export async function planPipeline(context: PlanContext): Promise<PlannedStage[]> {
  const planned: PlannedStage[] = [];
  for (const stage of context.pipeline.stages) {
    const { reasons, record } = await examineStage(stage, context);
    const before = planned.filter(({ stage: other, state }) => stage.after.includes(other.name) && state !== "fresh");
    const waits = before.length > 0 ? [`after ${before.map(({ stage: other }) => other.name).join(", ")}`] : [];
    const state = reasons.length > 0 ? "stale" : waits.length > 0 ? "waiting" : "fresh";
    planned.push({ stage, state, reasons: [...reasons, ...waits], record });
  }
  return planned;
}

export interface Examination {
  /** What the stage would run with now. */
  readonly fingerprint: StageFingerprint;
  /** Why it has to run; none when its results are those of a run now. */
  readonly reasons: readonly string[];
  readonly record: StageRecord | null;
}

/**
 * Compares one stage with its last run.
 *
 * @throws {NotebookError} when its notebook cannot be read.
 */
export async function examineStage(stage: Stage, context: PlanContext): Promise<Examination> {
  const record = context.record?.stages[stage.name] ?? null;
  const fingerprint = await fingerprintStage(stage, context);
  const reasons = staleReasons(record, fingerprint, await outputHashes(stage, context));
  const { work } = stage;
  if (reasons.length === 0 && work.kind === "notebook" && !existsSync(resolve(context.pipeline.folder, work.saveAs))) {
    reasons.push(`its executed notebook "${work.saveAs}" is missing`);
  }
  return { fingerprint, reasons, record };
}

/** True when a stage's last run was cut off and can go on: it would run with the same now. */
export function canResume({ record, fingerprint }: Examination): boolean {
  return record !== null && record.status !== "done" && isDeepStrictEqual(record.fingerprint, fingerprint);
}

async function fingerprintStage(stage: Stage, context: PlanContext): Promise<StageFingerprint> {
  const { pipeline, record, code } = context;
  const { work } = stage;
  const common = {
    inputs: await hashesOf(stage.inputs, context),
    after: Object.fromEntries(stage.unseen.map((name) => [name, record?.stages[name]?.started_at ?? null])),
    ranks: stage.ranks,
    code,
  };
  if (work.kind === "command") {
    const hash = fingerprintText(JSON.stringify(work.words));
    return { ...common, work: `${COMMAND} ${hash}`, parameters: {}, kernel: null };
  }
  const notebook = await readNotebook(resolve(pipeline.folder, work.notebook));
  const parameters = Object.entries(work.parameters).map(([name, value]) => [name, JSON.stringify(value)]);
  const hash = codeHash(notebook);
  const kernel = work.kernel ?? maybeKernelName(notebook) ?? null;
  return { ...common, work: `notebook ${hash}`, parameters: Object.fromEntries(parameters), kernel };
}

/** What a stage's outputs hold now. */
export function outputHashes(stage: Stage, context: PlanContext): Promise<Record<string, string | null>> {
  return hashesOf(stage.outputs, context);
}

/** Why the results of the last run are not those of a run now; none when they are. */
export function staleReasons(
  record: StageRecord | null,
  now: StageFingerprint,
  outputs: Readonly<Record<string, string | null>>,
): string[] {
  if (record === null) return ["it never ran"];
  const before = record.fingerprint;
  const reasons = [
    record.status === "failed" && "it failed last time",
    record.status === "interrupted" && "it was interrupted",
    record.status === "running" && "it was cut off",
    before.work !== now.work && (now.work.startsWith(COMMAND) ? "its command changed" : "its notebook's code changed"),
    before.kernel !== now.kernel && `its kernel was ${before.kernel ?? "not named"}, is ${now.kernel ?? "not named"}`,
    before.ranks !== now.ranks && `it ran on ${counted(before.ranks, "rank")}, now on ${now.ranks}`,
    before.code !== now.code && "Asterolab's code changed",
  ].filter((reason): reason is string => reason !== false);
  for (const name of union(before.parameters, now.parameters)) {
    const [was, is] = [before.parameters[name], now.parameters[name]];
    if (was !== is) reasons.push(`parameter ${name} was ${was ?? "not set"}, is ${is ?? "not set"}`);
  }
  for (const path of union(before.inputs, now.inputs)) {
    const [was, is] = [before.inputs[path], now.inputs[path]];
    if (was === is) continue;
    if (is === undefined) reasons.push(`it no longer reads "${path}"`);
    else if (was === undefined) reasons.push(`it also reads "${path}"`);
    else reasons.push(is === null ? `its input "${path}" is missing` : `its input "${path}" changed`);
  }
  for (const [name, startedAt] of Object.entries(now.after)) {
    if (before.after[name] !== startedAt) reasons.push(`${name} ran again`);
  }
  if (record.status !== "done") return reasons;
  for (const [path, hash] of Object.entries(outputs)) {
    if (record.outputs[path] === hash && hash !== null) continue;
    reasons.push(hash === null ? `its output "${path}" is missing` : `its output "${path}" is not what it wrote`);
  }
  return reasons;
}

async function hashesOf(paths: readonly string[], context: PlanContext): Promise<Record<string, string | null>> {
  const { pipeline, cache } = context;
  const hashes: Record<string, string | null> = {};
  for (const path of paths) hashes[path] = await maybeFingerprint(resolve(pipeline.folder, path), cache);
  return hashes;
}

function union(a: object, b: object): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])];
}
