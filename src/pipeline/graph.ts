/** Draws the stages and what they wait for: as text, for Mermaid, for Graphviz. */

import type { Pipeline, Stage } from "./pipeline";

export const GRAPH_FORMATS = ["text", "mermaid", "dot"] as const;
export type GraphFormat = (typeof GRAPH_FORMATS)[number];

export function drawGraph({ stages }: Pipeline, format: GraphFormat): string {
  const edges = stages.flatMap(({ name, after }) => after.map((before) => [before, name] as const));
  if (format === "mermaid") {
    // Identifiers of Mermaid must not hold what names may.
    const id = (name: string): string => `s${stages.findIndex((stage) => stage.name === name)}`;
    const nodes = stages.map((stage) => `  ${id(stage.name)}["${stage.name}<br/>${subjectOf(stage)}"]`);
    return ["flowchart LR", ...nodes, ...edges.map(([a, b]) => `  ${id(a)} --> ${id(b)}`), ""].join("\n");
  }
  if (format === "dot") {
    const nodes = stages.map((stage) => `  "${stage.name}" [label="${stage.name}\\n${subjectOf(stage)}"];`);
    const lines = edges.map(([a, b]) => `  "${a}" -> "${b}";`);
    return ["digraph pipeline {", "  rankdir=LR;", "  node [shape=box];", ...nodes, ...lines, "}", ""].join("\n");
  }
  const width = Math.max(...stages.map(({ name }) => name.length));
  const subjects = Math.max(...stages.map((stage) => subjectOf(stage).length));
  const lines = stages.map((stage) => {
    const after = stage.after.length > 0 ? `after ${stage.after.join(", ")}` : "";
    return `${stage.name.padEnd(width)}  ${subjectOf(stage).padEnd(subjects)}  ${after}`.trimEnd();
  });
  return `${lines.join("\n")}\n`;
}

/** What a stage runs, in a few words. */
export function subjectOf({ work }: Stage): string {
  return work.kind === "notebook" ? work.notebook : `asterolab ${work.words[0]}`;
}
