/** Notebooks and commands as the stages of one pipeline, run again only where something changed. */

export { drawGraph, GRAPH_FORMATS, type GraphFormat } from "./graph";
export type { CommandWork, NotebookWork, Pipeline, Stage } from "./pipeline";
export { type PlannedStage, planPipeline, type StageState } from "./plan";
export { cacheOf, maybeReadRecord, type PipelineRecord, RECORD_FILE, type StageRecord } from "./record";
export {
  checkStages,
  type PipelineEvent,
  type PipelineResult,
  type PipelineRunOptions,
  runPipeline,
  type StageOutcome,
} from "./run";
export { parsePipeline, readPipeline } from "./spec";
