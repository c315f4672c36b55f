/** The order of stages: who waits for whom, by name and by the files that pass between them. */

import { closest } from "fastest-levenshtein";
import type { Stage } from "./pipeline";

/** A stage with the names it was told to come after, before files have been looked at. */
export type UnlinkedStage = Omit<Stage, "unseen">;

/** Puts each stage behind those it depends on; what cannot be is a problem. */
export function linkStages(stages: readonly UnlinkedStage[]): { stages: Stage[]; problems: string[] } {
  const names = stages.map(({ name }) => name);
  const problems = [...unknownNames(stages, names), ...sharedOutputs(stages)];
  if (problems.length > 0) return { stages: [], problems };
  const linked = stages.map((stage): Stage => {
    const givers = stages.filter((other) => other !== stage && passesFile(other, stage)).map(({ name }) => name);
    const after = names.filter((name) => givers.includes(name) || stage.after.includes(name));
    return { ...stage, after, unseen: after.filter((name) => !givers.includes(name)) };
  });
  const sorted: Stage[] = [];
  let waiting = linked;
  while (waiting.length > 0) {
    // As they stand in the file, where dependencies leave the choice.
    const next = waiting.find(({ after }) => after.every((name) => sorted.some((stage) => stage.name === name)));
    if (next === undefined) return { stages: [], problems: [describeCycle(waiting)] };
    sorted.push(next);
    waiting = waiting.filter((stage) => stage !== next);
  }
  return { stages: sorted, problems: [] };
}

/** The stages named and all they depend on. */
export function withDependencies(stages: readonly Stage[], names: readonly string[]): Stage[] {
  const wanted = new Set(names);
  for (const stage of [...stages].reverse()) {
    if (wanted.has(stage.name)) for (const name of stage.after) wanted.add(name);
  }
  return stages.filter(({ name }) => wanted.has(name));
}

function unknownNames(stages: readonly UnlinkedStage[], names: readonly string[]): string[] {
  return stages.flatMap(({ name, after }) =>
    after
      .filter((other) => !names.includes(other))
      .map(
        (other) => `stages.${name}.after: there is no stage "${other}"; did you mean "${closest(other, [...names])}"?`,
      ),
  );
}

/** Two stages that write one path would never both be up to date. */
function sharedOutputs(stages: readonly UnlinkedStage[]): string[] {
  return stages.flatMap((stage, index) =>
    stages
      .slice(index + 1)
      .flatMap((other) =>
        stage.outputs
          .filter((path) => other.outputs.some((theirs) => overlap(path, theirs)))
          .map((path) => `stages.${other.name}.outputs: "${path}" is written by stage "${stage.name}", too`),
      ),
  );
}

function passesFile(giver: UnlinkedStage, taker: UnlinkedStage): boolean {
  return giver.outputs.some((path) => taker.inputs.some((input) => overlap(path, input)));
}

/** True when the paths are the same or one lies in the other. */
function overlap(a: string, b: string): boolean {
  return a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
}

function describeCycle(waiting: readonly Stage[]): string {
  const path = [waiting[0]!];
  for (;;) {
    const last = path.at(-1)!;
    const next = waiting.find(({ name }) => last.after.includes(name))!;
    const start = path.indexOf(next);
    path.push(next);
    if (start !== -1) {
      const names = path.slice(start).map(({ name }) => name);
      return `stages: ${names.join(" waits for ")}: none of them can be first`;
    }
  }
}
