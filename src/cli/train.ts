/** `asterolab train`: settings from preset, file and flags, a run with a progress bar, and its result. */

import { Command, Option } from "commander";
import {
  type Config,
  type ConfigSpec,
  ENGINE_NAMES,
  PRESETS,
  type PresetName,
  parseAssignment,
  parseConfig,
  readConfigFile,
} from "../config";
import type { Communicator } from "../distributed";
import { openWorld } from "../distributed";
import { agree, broadcastValue } from "../distributed/agree";
import { exitCodeOf } from "../errors";
import { type TrainResult, train } from "../train/loop";
import type { TrainEvent } from "../train/reports";
import { maybeReadConfig } from "../train/run-folder";
import { collect, integer, threadsOption } from "./arguments";
import { type Interrupt, listenForStop } from "./interrupt";
import { createProgress, type Progress } from "./progress";
import { launchTraining } from "./train-ranks";
import { validationTable } from "./validation-table";

export interface TrainFlags {
  readonly path: string;
  readonly restore: "yes" | "no";
  readonly config: readonly string[];
  readonly preset?: PresetName;
  readonly data?: string;
  readonly engine?: string;
  readonly threads?: number;
  readonly set: readonly string[];
  readonly deterministic?: boolean;
  readonly ranks?: number;
  readonly maxRestarts: number;
  readonly launched?: boolean;
  readonly json?: boolean;
}

/** The longest setting is checkpoint_every_steps. */
const SETTING_WIDTH = 22;

export function trainCommand(): Command {
  return new Command("train")
    .requiredOption("--path <dir>", "folder of the run: checkpoints, metrics, log")
    .addOption(
      new Option("--restore <yes|no>", "continue from the newest checkpoint, or start anew")
        .choices(["yes", "no"])
        .makeOptionMandatory(),
    )
    .option("--config <file>", "JSON file of settings; may be repeated, later ones win", collect, [])
    .addOption(new Option("--preset <name>", "settings to start from").choices(Object.keys(PRESETS)))
    .option("--data <dir>", "data set (setting data_dir)")
    .addOption(new Option("--engine <name>", "where to compute").choices(ENGINE_NAMES))
    .addOption(threadsOption())
    .option("--set <key=value>", "change one setting; may be repeated", collect, [])
    .option("--ranks <n>", "train on this many processes, started with mpirun", integer("--ranks", 1))
    .option(
      "--max-restarts <k>",
      "restarts from the last checkpoint when a rank fails",
      integer("--max-restarts", 0),
      0,
    )
    .option("--deterministic", "the same weights, bit for bit, for the same number of ranks (setting deterministic)")
    .addOption(new Option("--launched", "read the word to stop from standard input").hideHelp())
    .option("--json", "print the result as one JSON document")
    .action(runTrain);
}

async function runTrain(flags: TrainFlags): Promise<void> {
  if (flags.ranks !== undefined) {
    configOf(flags); // a wrong setting is told once, not by every rank
    process.exitCode = await launchTraining(flags, flags.ranks);
    return;
  }
  const interrupt = listenForStop();
  const comm = await openWorld();
  try {
    await trainOnRank(flags, comm, interrupt);
  } catch (error) {
    // What all ranks know is told by the first.
    if (comm.rank === 0) throw error;
    process.exitCode = exitCodeOf(error);
  } finally {
    interrupt.release();
    await comm.close();
  }
}

async function trainOnRank(flags: TrainFlags, comm: Communicator, interrupt: Interrupt): Promise<void> {
  const isTeller = comm.rank === 0;
  const config = await broadcastValue(comm, await agree(comm, () => configOf(flags)));
  if (isTeller) {
    for (const [setting, value] of Object.entries(config)) {
      process.stderr.write(`${setting.padEnd(SETTING_WIDTH)} ${JSON.stringify(value)}\n`);
    }
  }
  if (isTeller) interrupt.beTeller(flags.launched ?? false);
  const display = isTeller ? createDisplay() : null;
  try {
    const result = await train(config, {
      path: flags.path,
      restore: flags.restore === "yes",
      signal: interrupt.signal,
      comm,
      ...(display && { onEvent: display.show }),
    });
    display?.stop();
    if (isTeller) {
      process.stdout.write(flags.json ? `${JSON.stringify(resultDocument(result), null, 2)}\n` : resultText(result));
    }
    // On several ranks an exit code other than 0 would count as a failure of one.
    if (result.stopped === "interrupted" && comm.size === 1) process.exitCode = interrupt.exitCode();
  } finally {
    display?.stop();
  }
}

/** Preset, then config files, then flags; a run that is continued without either goes on with its own settings. */
function configOf(flags: TrainFlags): Config {
  const isOwn = flags.restore === "yes" && flags.config.length === 0 && flags.preset === undefined;
  const specs: (ConfigSpec | null)[] = [
    isOwn ? maybeReadConfig(flags.path) : null,
    ...flags.config.map((file) => readConfigFile(file)),
    flags.data === undefined ? null : { data_dir: flags.data },
    flags.engine === undefined ? null : { engine: flags.engine },
    flags.threads === undefined ? null : { threads: flags.threads },
    flags.deterministic ? { deterministic: true } : null,
    ...flags.set.map(parseAssignment),
  ];
  return parseConfig(flags.preset ?? "default", ...specs.filter((spec): spec is ConfigSpec => spec !== null));
}

/** A bar over all steps of the run, with log lines above it. */
function createDisplay(): { show(event: TrainEvent): void; stop(): void } {
  let progress: Progress | null = null;
  let stepsPerEpoch = 1;
  return {
    show(event) {
      if (event.kind === "start") {
        stepsPerEpoch = event.stepsPerEpoch;
        progress = createProgress({ label: "train", total: event.epochs * stepsPerEpoch, initial: event.step });
      } else if (event.kind === "train") {
        progress?.update(event.step, `epoch ${event.epoch}  loss ${event.loss.toFixed(3)}`);
      } else if (event.kind === "log") {
        progress?.line(event.text);
      }
    },
    stop() {
      progress?.stop();
      progress = null;
    },
  };
}

function resultDocument(result: TrainResult): Record<string, unknown> {
  return {
    path: result.path,
    stopped: result.stopped,
    epoch: result.epoch,
    step: result.step,
    train_loss: result.trainLoss,
    best: result.best && { loss: result.best.loss, epoch: result.best.epoch },
    baseline_loss: result.baselineLoss,
    validation: result.validation,
  };
}

function resultText({ path, stopped, epoch, step, validation, baselineLoss, best }: TrainResult): string {
  const lines = [`${stopped}: ${epoch} epochs, ${step} steps in "${path}"`];
  if (validation !== null) lines.push("", ...validationTable(validation, baselineLoss));
  if (best !== null) lines.push("", `best validation loss ${best.loss.toFixed(4)} after epoch ${best.epoch}`);
  return `${lines.join("\n")}\n`;
}
