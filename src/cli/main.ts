/** The command line: parses, calls, prints one line for an error, and ends with the exit code that says what happened. */

import { Command, CommanderError } from "commander";
import { exitCodeOf } from "../errors";
import { describeIoError, errorCode } from "../files";
import { version } from "../version";

/** Each command is loaded only when it is asked for, so that none pays for the packages of another. */
const COMMANDS: Readonly<Record<string, { summary: string; load: () => Promise<Command> }>> = {
  simulate: {
    summary: "simulate a data set of power spectra with their labels",
    load: async () => (await import("./simulate")).simulateCommand(),
  },
  train: {
    summary: "train a network on a data set",
    load: async () => (await import("./train")).trainCommand(),
  },
  validate: {
    summary: "measure a trained network on a data set",
    load: async () => (await import("./validate")).validateCommand(),
  },
  predict: {
    summary: "read the parameters of stars off their power spectra",
    load: async () => (await import("./predict")).predictCommand(),
  },
  notebook: {
    summary: "execute notebooks headless, check them, turn them into pages",
    load: async () => (await import("./notebook")).notebookCommand(),
  },
  pipeline: {
    summary: "run notebooks and commands as stages, where something has changed",
    load: async () => (await import("./pipeline")).pipelineCommand(),
  },
  kernels: {
    summary: "install our Jupyter kernels, or list those found",
    load: async () => (await import("./kernels")).kernelsCommand(),
  },
  bench: {
    summary: "measure training and inference, beside PyTorch if asked",
    load: async () => (await import("./bench")).benchCommand(),
  },
  convert: {
    summary: "convert weights between .pth, .safetensors and tfjs",
    load: async () => (await import("./convert")).convertCommand(),
  },
  doctor: {
    summary: "say what works on this machine and how to get what does not",
    load: async () => (await import("./doctor")).doctorCommand(),
  },
};

/** Runs the command line with `argv` as Node gives it, and sets the process's exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  const isDebug = argv.includes("--debug");
  outliveReaders();
  try {
    const program = await createProgram(commandNamed(argv.slice(2)));
    await program.parseAsync([...argv]);
  } catch (error) {
    process.exitCode = report(error, isDebug);
  }
}

/**
 * A reader that has read enough (`| head`) ends nothing: the work goes on, and what it prints is dropped. Results that a
 * full disk does not take are a failure.
 */
function outliveReaders(): void {
  let isTold = false;
  process.stderr.on("error", () => undefined);
  process.stdout.on("error", (error) => {
    if (errorCode(error) === "EPIPE" || isTold) return;
    isTold = true;
    process.stderr.write(`asterolab: Cannot write the results: ${describeIoError(error)}\n`);
    process.exitCode = 1;
  });
}

/** The first word that is no flag; `help train` means `train`. */
function commandNamed(words: readonly string[]): string | undefined {
  const [first, second] = words.filter((word) => !word.startsWith("-"));
  return first === "help" ? second : first;
}

async function createProgram(name: string | undefined): Promise<Command> {
  const program = new Command("asterolab")
    .description("Reads up to fifteen seismic parameters off the power spectra of red giants.")
    .version(version)
    .option("--debug", "print the stack of an error")
    .showSuggestionAfterError();
  for (const [key, { summary, load }] of Object.entries(COMMANDS)) {
    const command = key === name ? await load() : new Command(key);
    if (command.description() === "") command.description(asSentence(summary));
    program.addCommand(command.summary(summary).option("--debug", "print the stack of an error"));
  }
  throwInsteadOfExit(program);
  return program;
}

function asSentence(summary: string): string {
  return `${summary[0]!.toUpperCase()}${summary.slice(1)}.`;
}

/** Settings of a command are not inherited by those added later, so every level is told not to end the process. */
function throwInsteadOfExit(command: Command): void {
  command.exitOverride();
  command.configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "asterolab: ")) });
  for (const child of command.commands) throwInsteadOfExit(child);
}

function report(error: unknown, isDebug: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // commander has printed its own line
  const lines = error instanceof Error ? error.message.split("\n") : [String(error)];
  for (const line of lines) process.stderr.write(`asterolab: ${line}\n`);
  if (isDebug && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return exitCodeOf(error);
}
