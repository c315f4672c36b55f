/** The page that a pipeline leaves: every stage with its time and its outcome, and the way to its results. */

import { basename, relative, resolve } from "node:path";
import { writeFileAtomic } from "../data/files";
import { pageHtml } from "../notebook/html";
import { subjectOf } from "./graph";
import type { Pipeline, Stage } from "./pipeline";
import type { PipelineRecord } from "./record";
import { logOf, pageOf } from "./stage";

export const INDEX_PAGE = "index.html";

/** @throws {DataError} when the page cannot be written. */
export async function writePages(pipeline: Pipeline, record: PipelineRecord): Promise<void> {
  const title = `Pipeline ${basename(pipeline.path)}`;
  const rows = pipeline.stages.map((stage) => {
    const last = record.stages[stage.name];
    const time = last?.seconds === undefined || last.seconds === null ? "" : `${last.seconds.toFixed(1)} s`;
    const cells = [
      stage.name,
      subjectOf(stage),
      last?.status ?? "never ran",
      time,
      last?.started_at ?? "",
      linksOf(pipeline, stage, last !== undefined),
    ];
    return `| ${cells.map((cell) => cell.replace(/\|/g, "\\|")).join(" | ")} |`;
  });
  const failures = pipeline.stages.flatMap(({ name }) => {
    const error = record.stages[name]?.error;
    return error ? [`- **${name}**: ${error.replace(/[\\`*_[\]<>]/g, "\\$&").replace(/\s+/g, " ")}`] : [];
  });
  const lines = [
    `# ${title}`,
    "",
    "| stage | runs | outcome | time | began | results |",
    "|---|---|---|---|---|---|",
    ...rows,
    "",
    ...failures,
    "",
    `Asterolab ${record.asterolab}, Node ${record.node}. The record for machines is \`pipeline.json\`.`,
  ];
  await writeFileAtomic(resolve(pipeline.folder, pipeline.output, INDEX_PAGE), pageHtml(title, lines.join("\n")));
}

function linksOf(pipeline: Pipeline, stage: Stage, hasRun: boolean): string {
  if (!hasRun) return "";
  const { work } = stage;
  const from = resolve(pipeline.folder, pipeline.output);
  const link = (text: string, path: string): string =>
    `[${text}](<${encodeURI(relative(from, resolve(pipeline.folder, path)))}>)`;
  if (work.kind === "notebook") return `${link("page", pageOf(work))}, ${link("notebook", work.saveAs)}`;
  const results = work.stdout === null ? [] : [link(basename(work.stdout), work.stdout)];
  return [...results, link("log", logOf(pipeline, stage))].join(", ");
}
