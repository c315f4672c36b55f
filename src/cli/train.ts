/** `asterolab train`: settings from preset, file and flags, a run with a progress bar, and its result. */

import { Command, Option } from "commander";
import {
  type Config,
  type ConfigSpec,
  PRESETS,
  type PresetName,
  parseAssignment,
  parseConfig,
  readConfigFile,
} from "../config";
import { type TrainResult, train } from "../train/loop";
import type { TrainEvent } from "../train/reports";
import { maybeReadConfig } from "../train/run-folder";
import { createProgress, type Progress } from "./progress";
import { validationTable } from "./validation-table";

interface TrainFlags {
  readonly path: string;
  readonly restore: "yes" | "no";
  readonly config?: string;
  readonly preset?: PresetName;
  readonly data?: string;
  readonly engine?: string;
  readonly set: readonly string[];
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
    .option("--config <file>", "JSON file of settings")
    .addOption(new Option("--preset <name>", "settings to start from").choices(Object.keys(PRESETS)))
    .option("--data <dir>", "data set (setting data_dir)")
    .addOption(new Option("--engine <name>", "where to compute").choices(["auto", "native", "tensorflow", "cpu"]))
    .option("--set <key=value>", "change one setting; may be repeated", collect, [])
    .option("--json", "print the result as one JSON document")
    .action(runTrain);
}

async function runTrain(flags: TrainFlags): Promise<void> {
  const config = configOf(flags);
  for (const [setting, value] of Object.entries(config)) {
    process.stderr.write(`${setting.padEnd(SETTING_WIDTH)} ${JSON.stringify(value)}\n`);
  }
  const interrupt = new AbortController();
  let exitCode = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    exitCode = signal === "SIGINT" ? 130 : 143;
    interrupt.abort();
    process.stderr.write(`${signal}: saving after this step; once more ends at once\n`);
  };
  // `once`: a second signal finds the default handler and ends the process.
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
  const display = createDisplay();
  try {
    const restore = flags.restore === "yes";
    const result = await train(config, { path: flags.path, restore, signal: interrupt.signal, onEvent: display.show });
    display.stop();
    process.stdout.write(flags.json ? `${JSON.stringify(resultDocument(result), null, 2)}\n` : resultText(result));
    if (result.stopped === "interrupted") process.exitCode = exitCode;
  } finally {
    display.stop();
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}

/** Preset, then config file, then flags; a run that is continued without either goes on with its own settings. */
function configOf(flags: TrainFlags): Config {
  const isOwn = flags.restore === "yes" && flags.config === undefined && flags.preset === undefined;
  const specs: (ConfigSpec | null)[] = [
    isOwn ? maybeReadConfig(flags.path) : null,
    flags.config === undefined ? null : readConfigFile(flags.config),
    flags.data === undefined ? null : { data_dir: flags.data },
    flags.engine === undefined ? null : { engine: flags.engine },
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

function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}
