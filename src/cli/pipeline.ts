/** The command `pipeline`: notebooks and commands as stages, of which only those out of date run. */

import { join } from "node:path";
import { Command, Option } from "commander";
import { codeVersion } from "../code-version";
import { parseAssignment } from "../config";
import { CliError } from "../errors";
import { Interruption } from "../notebook/stop";
import {
  cacheOf,
  drawGraph,
  GRAPH_FORMATS,
  type GraphFormat,
  maybeReadRecord,
  type Pipeline,
  type PipelineEvent,
  planPipeline,
  readPipeline,
  runPipeline,
} from "../pipeline";
import { collect, integer } from "./arguments";
import { abortOnSignals } from "./notebook-view";
import { formatSeconds } from "./progress";

const DEFAULT_FILE = join("notebooks", "pipeline.yaml");
/** Lines of a stage's progress come no closer than this. */
const LINE_INTERVAL_MS = 5000;
const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

interface CommonFlags {
  readonly set: readonly string[];
}

interface RunFlags extends CommonFlags {
  readonly stage: readonly string[];
  readonly force?: boolean;
  readonly jobs: number;
}

export function pipelineCommand(): Command {
  const run = withFile("run", "run the stages that are out of date")
    .option("--stage <name>", "only this stage and what it depends on; may be repeated", collect, [])
    .option("--force", "run also what is up to date")
    .option("-j, --jobs <n>", "how many stages run side by side", integer("--jobs", 1), 1)
    .action(runAction);
  const status = withFile("status", "tell which stages are out of date, and why")
    .option("--json", "print one JSON document")
    .action(statusAction);
  const graph = withFile("graph", "show the stages and what each waits for")
    .addOption(new Option("--format <name>", "how it is drawn").choices([...GRAPH_FORMATS]).default("text"))
    .action((file: string, flags: CommonFlags & { format: GraphFormat }) => {
      process.stdout.write(drawGraph(open(file, flags), flags.format));
    });
  return [run, status, graph].reduce((all, command) => all.addCommand(command), new Command("pipeline"));
}

function withFile(name: string, summary: string): Command {
  return new Command(name)
    .description(summary)
    .argument("[file]", "the pipeline", DEFAULT_FILE)
    .option("--set <key=value>", "change a variable of the file, or its output folder; may be repeated", collect, []);
}

function open(file: string, { set }: CommonFlags): Pipeline {
  return readPipeline(file, Object.assign({}, ...set.map(parseAssignment)));
}

async function runAction(file: string, flags: RunFlags): Promise<void> {
  const pipeline = open(file, flags);
  const names = pipeline.stages.map(({ name }) => name);
  const unknown = flags.stage.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new CliError(`pipeline run: there is no stage "${unknown}"; there are ${names.join(", ")}`);
  }
  const { signal, release } = abortOnSignals();
  try {
    const { outcomes } = await runPipeline(pipeline, {
      ...(flags.stage.length > 0 && { stages: flags.stage }),
      force: flags.force,
      jobs: flags.jobs,
      signal,
      onEvent: createTeller(names),
    });
    const counts = ["done", "skipped", "failed", "interrupted", "blocked"].flatMap((outcome) => {
      const count = [...outcomes.values()].filter((value) => value === outcome).length;
      return count > 0 ? [`${count} ${outcome}`] : [];
    });
    process.stdout.write(
      `${pipeline.stages.length} stages: ${counts.join(", ")}; ${join(pipeline.output, "index.html")}\n`,
    );
    const hasFailed = [...outcomes.values()].some((outcome) => outcome === "failed");
    if (signal.reason instanceof Interruption) process.exitCode = EXIT_CODES[signal.reason.signalName];
    else if (hasFailed) process.exitCode = 1;
  } finally {
    release();
  }
}

/** One line for each thing that happens; a stage's own progress now and then. */
function createTeller(names: readonly string[]): (event: PipelineEvent) => void {
  const width = Math.max(...names.map((name) => name.length));
  const shownAt = new Map<string, number>();
  return (event) => {
    const { name } = event.stage;
    const tell = (text: string): void => void process.stderr.write(`${name.padEnd(width)}  ${text}\n`);
    if (event.kind === "skip") tell("skipped: nothing it depends on has changed");
    if (event.kind === "start") tell(`runs: ${event.reasons.join("; ")}`);
    if (event.kind === "blocked") tell(`does not run: ${event.by.join(", ")} did not end well`);
    if (event.kind === "end") {
      tell(`${event.outcome} after ${formatSeconds(event.seconds)}${event.error === null ? "" : `: ${event.error}`}`);
    }
    if (event.kind === "line" && Date.now() - (shownAt.get(name) ?? 0) >= LINE_INTERVAL_MS) {
      shownAt.set(name, Date.now());
      tell(`  ${event.text}`);
    }
  };
}

async function statusAction(file: string, flags: CommonFlags & { json?: boolean }): Promise<void> {
  const pipeline = open(file, flags);
  const record = maybeReadRecord(join(pipeline.folder, pipeline.output));
  const planned = await planPipeline({ pipeline, record, code: codeVersion(), cache: cacheOf(record) });
  if (flags.json) {
    const stages = planned.map(({ stage, state, reasons, record: last }) => ({
      name: stage.name,
      state,
      reasons,
      after: stage.after,
      last: last && { status: last.status, started_at: last.started_at, seconds: last.seconds, error: last.error },
    }));
    process.stdout.write(`${JSON.stringify({ file, output: pipeline.output, stages }, null, 2)}\n`);
    return;
  }
  const rows = planned.map(({ stage, state, reasons, record: last }) => [
    stage.name,
    state,
    last?.status ?? "",
    last?.seconds ? formatSeconds(last.seconds) : "",
    reasons.join("; "),
  ]);
  const table = [["stage", "state", "last run", "took", "why"], ...rows];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  for (const row of table) {
    process.stdout.write(
      `${row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd()}\n`,
    );
  }
}
