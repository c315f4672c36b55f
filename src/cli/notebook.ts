/** `asterolab notebook run IN.ipynb OUT.ipynb`: executes a notebook headless, with papermill's options. */

import { Command, InvalidArgumentError } from "commander";
import { Interruption, type RunEvent, runNotebook } from "../notebook/executor";
import { readParameters } from "../notebook/parameters";
import { createProgress, type Progress } from "./progress";

type NameAndValue = readonly [string, string];

interface RunFlags {
  parameters: NameAndValue[];
  parametersRaw: NameAndValue[];
  parametersYaml: string[];
  parametersFile: string[];
  parametersBase64: string[];
  kernel?: string;
  cwd?: string;
  executionTimeout?: number;
  startTimeout?: number;
  logOutput?: boolean;
}

/** Options of two values, which commander does not have: each pair reaches it as one word. */
class PairCommand extends Command {
  override parseOptions(argv: string[]): ReturnType<Command["parseOptions"]> {
    const words: string[] = [];
    for (let index = 0; index < argv.length; index++) {
      const long = PAIR_OPTIONS[argv[index]!];
      const [name, value] = argv.slice(index + 1, index + 3);
      if (long === undefined) {
        words.push(argv[index]!);
        continue;
      }
      // Without its value the option stands alone, for commander to complain about.
      words.push(value === undefined ? long : `${long}=${JSON.stringify([name, value])}`);
      index += 2;
    }
    return super.parseOptions(words);
  }
}

const PAIR_OPTIONS: Readonly<Record<string, string>> = {
  "-p": "--parameters",
  "--parameters": "--parameters",
  "-r": "--parameters-raw",
  "--parameters-raw": "--parameters-raw",
};

/** The command `notebook` with its subcommand `run`. */
export function notebookCommand(): Command {
  const run = new PairCommand("run")
    .summary("execute a notebook and save it with its outputs")
    .argument("<input>", "the notebook to execute")
    .argument("<output>", "where the executed notebook is saved, after every cell")
    .option("-p, --parameters <name> <value>", "set a parameter; typed by its declaration", collectPair, [])
    .option("-r, --parameters-raw <name> <value>", "set a parameter to a string", collectPair, [])
    .option("-y, --parameters-yaml <yaml>", "set the parameters of a YAML mapping", collect, [])
    .option("-f, --parameters-file <file>", "set the parameters of a YAML or JSON file", collect, [])
    .option("-b, --parameters-base64 <text>", "set the parameters of a base64-encoded YAML mapping", collect, [])
    .option("-k, --kernel <name>", "run on this kernel instead of the notebook's own")
    .option("--cwd <folder>", "run the kernel in this folder")
    .option("--execution-timeout <seconds>", "fail a cell that takes longer", parseSeconds)
    .option("--start-timeout <seconds>", "give up on a kernel that takes longer to start (default: 60)", parseSeconds)
    .option("--log-output", "print the cells' output to stderr while they run")
    .action(runAction);
  return new Command("notebook").addCommand(run);
}

async function runAction(input: string, output: string, flags: RunFlags): Promise<void> {
  const view = createView(flags.logOutput ?? false, input);
  const { signal, release } = abortOnSignals();
  try {
    const result = await runNotebook({
      input,
      output,
      parameters: readParameters({
        parameters: flags.parameters,
        rawParameters: flags.parametersRaw,
        yaml: flags.parametersYaml,
        files: flags.parametersFile,
        base64: flags.parametersBase64,
      }),
      kernel: flags.kernel,
      cwd: flags.cwd,
      executionTimeoutMs: flags.executionTimeout && flags.executionTimeout * 1000,
      startTimeoutMs: flags.startTimeout && flags.startTimeout * 1000,
      signal,
      onEvent: view.onEvent,
    });
    view.stop();
    if (result.error !== undefined) {
      process.stderr.write(`asterolab: ${result.error.message}\n`);
      for (const line of result.error.traceback) process.stderr.write(`    ${line}\n`);
    }
    process.exitCode = result.exitCode;
    process.stdout.write(`${output}\n`);
  } finally {
    view.stop();
    release();
  }
}

/** A bar over the cells; with `--log-output`, the cells' own lines in its place. */
function createView(isLogging: boolean, input: string): { onEvent: (event: RunEvent) => void; stop: () => void } {
  let progress: Progress | undefined;
  const onEvent = (event: RunEvent): void => {
    if (event.kind === "start" && !isLogging) progress = createProgress({ label: input, total: event.cells });
    if (event.kind === "cell-start") progress?.update(event.index, titleOf(event.cell.source));
    if (event.kind === "cell-end") progress?.update(event.index + 1, titleOf(event.cell.source));
    if (event.kind === "stream" && isLogging) process.stderr.write(event.text);
    if (event.kind === "warning") process.stderr.write(`asterolab: ${event.text}\n`);
  };
  const stop = (): void => {
    progress?.stop();
    progress = undefined;
  };
  return { onEvent, stop };
}

/** The first line of a cell, short enough for the bar. */
function titleOf(source: string): string {
  return (source.trim().split("\n")[0] ?? "").slice(0, 40);
}

/** An abort signal that fires on the signals of the operating system; a second one ends this process at once. */
function abortOnSignals(): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const handlers = names.map((name) => {
    const handler = (): void => {
      if (controller.signal.aborted) process.exit(130);
      controller.abort(new Interruption(name));
    };
    process.on(name, handler);
    return () => process.removeListener(name, handler);
  });
  return {
    signal: controller.signal,
    release: () => {
      for (const remove of handlers) remove();
    },
  };
}

function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}

function collectPair(pair: string, previous: readonly NameAndValue[]): NameAndValue[] {
  return [...previous, JSON.parse(pair) as NameAndValue];
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0)) throw new InvalidArgumentError("expected a number of seconds above 0.");
  return seconds;
}
