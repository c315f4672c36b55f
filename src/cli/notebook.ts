/** The command `notebook`: `run IN.ipynb OUT.ipynb` executes a notebook headless, with papermill's options. */

import { Command, InvalidArgumentError } from "commander";
import { runNotebook } from "../notebook/executor";
import { readParameters } from "../notebook/parameters";
import { htmlCommand, inspectCommand, verifyCommand } from "./notebook-documents";
import { abortOnSignals, createView } from "./notebook-view";

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

/** The command `notebook` with its subcommands. */
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
  return [run, inspectCommand(), verifyCommand(), htmlCommand()].reduce(
    (notebook, command) => notebook.addCommand(command),
    new Command("notebook"),
  );
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
