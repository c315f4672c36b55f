/** The command `notebook`: `run IN.ipynb OUT.ipynb` executes a notebook headless, with papermill's options. */

import { fstatSync, openSync, writeSync } from "node:fs";
import { Command } from "commander";
import { CliError, DataError } from "../errors";
import { describeIoError } from "../files";
import { type RunEvent, type RunOptions, runNotebook } from "../notebook/executor";
import { STANDARD_STREAM } from "../notebook/notebook-saver";
import { readParameters } from "../notebook/parameters";
import { prepareOnly } from "../notebook/prepare";
import { collect, integer, seconds } from "./arguments";
import { htmlCommand, inspectCommand, verifyCommand } from "./notebook-documents";
import { abortOnSignals, createView } from "./notebook-view";

type NameAndValue = readonly [string, string];

interface RunFlags {
  parameters: NameAndValue[];
  parametersRaw: NameAndValue[];
  parametersYaml: string[];
  parametersFile: string[];
  parametersBase64: string[];
  injectInputPath?: boolean;
  injectOutputPath?: boolean;
  injectPaths?: boolean;
  prepareOnly?: boolean;
  reportMode?: boolean;
  kernel?: string;
  language?: string;
  cwd?: string;
  ranks?: number;
  reads: string[];
  executionTimeout?: number;
  startTimeout?: number;
  autosaveCellEvery: number;
  requestSaveOnCellExecute?: boolean;
  progressBar?: boolean;
  logOutput?: boolean;
  stdoutFile?: string;
  stderrFile?: string;
}

/**
 * Options of two values, which commander does not have: each pair reaches it as one word. Underscores in the names of
 * options, as papermill has in some, are hyphens.
 */
class PairCommand extends Command {
  override parseOptions(argv: string[]): ReturnType<Command["parseOptions"]> {
    const words: string[] = [];
    for (let index = 0; index < argv.length; index++) {
      const word = argv[index]!.replace(/^--[a-z_]+/, (option) => option.replace(/_/g, "-"));
      const long = PAIR_OPTIONS[word];
      const [name, value] = argv.slice(index + 1, index + 3);
      if (long === undefined) {
        words.push(word);
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

/** The command `notebook` with its subcommands. */
export function notebookCommand(): Command {
  const run = new PairCommand("run")
    .description("execute a notebook and save it with its outputs")
    .argument("[input]", 'the notebook to execute, or "-" for stdin; {name} in a path stands for a parameter')
    .argument("[output]", 'where the executed notebook is saved, after every cell, or "-" for stdout')
    .option("-p, --parameters <name> <value>", "set a parameter; typed by its declaration", collectPair, [])
    .option("-r, --parameters-raw <name> <value>", "set a parameter to a string", collectPair, [])
    .option("-y, --parameters-yaml <yaml>", "set the parameters of a YAML mapping", collect, [])
    .option("-f, --parameters-file <file>", "set the parameters of a YAML or JSON file", collect, [])
    .option("-b, --parameters-base64 <text>", "set the parameters of a base64-encoded YAML mapping", collect, [])
    .option("--inject-input-path", "set the parameter PAPERMILL_INPUT_PATH")
    .option("--inject-output-path", "set the parameter PAPERMILL_OUTPUT_PATH")
    .option("--inject-paths", "set both")
    .option("--prepare-only", "save the notebook with its parameters, and run nothing")
    .option("--report-mode", "hide the code of all cells")
    .option("--no-report-mode", "show it (the default)")
    .option("-k, --kernel <name>", "run on this kernel instead of the notebook's own")
    .option("-l, --language <name>", "write the parameters in this language instead of the kernel's own")
    .option("--cwd <folder>", "run the kernel in this folder")
    .option("--ranks <number>", "run every cell on so many MPI ranks", integer("--ranks", 1))
    .option(
      "--reads <path>",
      "a file or folder the notebook reads, whose hash is recorded; may be repeated",
      collect,
      [],
    )
    .option(
      "--execution-timeout <seconds>",
      "interrupt a cell that takes longer, and fail; the notebook's metadata.execution.timeout goes before",
      seconds,
    )
    .option("--start-timeout <seconds>", "give up on a kernel that takes longer to start (default: 60)", seconds)
    .option(
      "--autosave-cell-every <seconds>",
      "save this often inside a long cell; 0 for never",
      parseSecondsOrNone,
      30,
    )
    .option("--request-save-on-cell-execute", "save before and after every cell (the default)")
    .option("--no-request-save-on-cell-execute", "save at the end alone")
    .option("--progress-bar", "show progress (the default)")
    .option("--no-progress-bar", "show no progress")
    .option("--log-output", "print the cells' output to stderr while they run")
    .option("--no-log-output", "do not (the default)")
    .option("--stdout-file <file>", "write what the cells print to stdout here, too")
    .option("--stderr-file <file>", "write what the cells print to stderr here, too")
    .action(runAction);
  return [run, inspectCommand(), verifyCommand(), htmlCommand()].reduce(
    (notebook, command) => notebook.addCommand(command),
    new Command("notebook"),
  );
}

async function runAction(first: string | undefined, second: string | undefined, flags: RunFlags): Promise<void> {
  const { input, output } = streamsOf(first, second);
  const isPiped = output === STANDARD_STREAM;
  const options: RunOptions = {
    input,
    output,
    parameters: readParameters({
      parameters: flags.parameters,
      rawParameters: flags.parametersRaw,
      yaml: flags.parametersYaml,
      files: flags.parametersFile,
      base64: flags.parametersBase64,
    }),
    injectPaths: {
      input: flags.injectInputPath || flags.injectPaths,
      output: flags.injectOutputPath || flags.injectPaths,
    },
    reportMode: flags.reportMode,
    kernel: flags.kernel,
    language: flags.language,
    cwd: flags.cwd,
    ranks: flags.ranks,
    reads: flags.reads,
    executionTimeoutMs: flags.executionTimeout && flags.executionTimeout * 1000,
    startTimeoutMs: flags.startTimeout && flags.startTimeout * 1000,
    autosaveMs: flags.autosaveCellEvery * 1000,
    savesSteps: flags.requestSaveOnCellExecute,
  };
  if (flags.prepareOnly) {
    const onWarning = (text: string): void => void process.stderr.write(`asterolab: ${text}\n`);
    const saved = await prepareOnly({ ...options, onWarning });
    if (!isPiped) process.stdout.write(`${saved}\n`);
    return;
  }
  const tee = teeStreams({ stdout: flags.stdoutFile, stderr: flags.stderrFile });
  const view = createView({
    label: input,
    isLogging: flags.logOutput,
    hasBar: flags.progressBar !== false && !isPiped,
  });
  const { signal, release } = abortOnSignals();
  try {
    const onEvent = (event: RunEvent): void => {
      tee.take(event);
      view.onEvent(event);
    };
    const result = await runNotebook({ ...options, signal, onEvent });
    view.stop();
    if (result.error !== undefined) {
      process.stderr.write(`asterolab: ${result.error.message}\n`);
      for (const line of result.error.traceback) process.stderr.write(`    ${line}\n`);
    }
    process.exitCode = result.exitCode;
    if (!isPiped) process.stdout.write(`${result.output}\n`);
    tee.end();
  } finally {
    view.stop();
    release();
  }
}

/**
 * papermill's rule for what is left out: with a pipe at stdin one path is the output, and what has no path is stdin or,
 * unless it is a terminal, stdout.
 */
function streamsOf(first: string | undefined, second: string | undefined): { input: string; output: string } {
  const hasInput = isPipe(0);
  if (first === undefined && !hasInput) throw new CliError("notebook run: missing argument 'input'");
  if (hasInput && first !== undefined && second === undefined) return { input: STANDARD_STREAM, output: first };
  if (second === undefined && !hasInput && process.stdout.isTTY) {
    throw new CliError("notebook run: missing argument 'output'");
  }
  return { input: first ?? STANDARD_STREAM, output: second ?? STANDARD_STREAM };
}

function isPipe(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isFIFO();
  } catch {
    return false; // closed
  }
}

interface Tee {
  readonly take: (event: RunEvent) => void;
  /** @throws {DataError} when a file did not take everything. */
  readonly end: () => void;
}

/** Copies what cells print into files, message by message; the run goes on where a file takes no more. */
function teeStreams(paths: { stdout?: string; stderr?: string }): Tee {
  const files = new Map<string, number>();
  let failure: DataError | undefined;
  for (const [name, path] of Object.entries(paths)) {
    if (path === undefined) continue;
    try {
      files.set(name, openSync(path, "w"));
    } catch (cause) {
      throw new CliError(`Cannot write --${name}-file "${path}": ${describeIoError(cause)}`);
    }
  }
  return {
    take(event) {
      const file = event.kind === "stream" ? files.get(event.name) : undefined;
      if (file === undefined || event.kind !== "stream") return;
      try {
        writeSync(file, event.text);
      } catch (cause) {
        const path = String(paths[event.name as keyof typeof paths]);
        failure ??= new DataError(`Cannot write --${event.name}-file "${path}": ${describeIoError(cause)}`, { path });
        files.delete(event.name);
      }
    },
    end() {
      if (failure !== undefined) throw failure;
    },
  };
}

function collectPair(pair: string, previous: readonly NameAndValue[]): NameAndValue[] {
  return [...previous, JSON.parse(pair) as NameAndValue];
}

function parseSecondsOrNone(text: string): number {
  return text === "0" ? 0 : seconds(text);
}
