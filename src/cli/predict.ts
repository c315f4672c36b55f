/** `asterolab predict`: spectra of stars -> a table, JSON or CSV of their parameters. */

import { dirname } from "node:path";
import { Command, Option } from "commander";
import { type Config, ENGINE_NAMES } from "../config";
import { mkdirP, writeFileAtomic } from "../data/files";
import { KEPLER_GRID, POINTS } from "../data/grid";
import { engineLines, selectEngine } from "../engine";
import { CliError, type DataError } from "../errors";
import {
  FREQUENCY_UNITS,
  type FrequencyUnit,
  openModel,
  type Prediction,
  predictionCsv,
  predictionTable,
  predictSpectra,
  readInputs,
  SHIPPED_MODEL,
} from "../predict";
import { threadsOption } from "./arguments";
import { starPages } from "./star-pages";

interface Flags {
  readonly model: string;
  readonly engine: Config["engine"];
  readonly threads?: number;
  readonly json?: boolean;
  readonly logits?: boolean;
  readonly csv?: string;
  readonly figure?: string;
  readonly frequencyUnit?: FrequencyUnit;
}

/** The command `predict`. */
export function predictCommand(): Command {
  return new Command("predict")
    .description("Reads the parameters of stars off their power spectra, with their uncertainties.")
    .argument(
      "<input...>",
      "power spectra or light curves: text, CSV, FITS, .npy, folders of them; data_000.npy[3] names a row",
    )
    .addOption(
      new Option("--model <path>", "run folder or .pth file").default(
        SHIPPED_MODEL,
        "the network that comes with Asterolab",
      ),
    )
    .addOption(new Option("--engine <name>", "where to compute").choices(ENGINE_NAMES).default("auto"))
    .addOption(threadsOption())
    .option("--json", "print one JSON document")
    .option("--logits", "add the network's logits to the JSON document")
    .option("--csv <file>", "write one line per star")
    .option("--figure <dir>", "draw a page per star: spectrum, échelle diagram, posteriors (SVG)")
    .addOption(
      new Option(
        "--frequency-unit <unit>",
        "unit of the frequencies (default: as the file says, or by their range)",
      ).choices(FREQUENCY_UNITS),
    )
    .action(run);
}

async function run(inputs: readonly string[], flags: Flags): Promise<void> {
  if (flags.logits && !flags.json) throw new CliError("Cannot show logits in a table: --logits needs --json");
  if (flags.csv !== undefined) mkdirP(dirname(flags.csv)); // rather than fail when all stars are done
  const engine = await selectEngine(flags.engine, { threads: flags.threads });
  const opened = await openModel(flags.model);
  const { model, config, classEdges, points, checkpoint, calibration } = opened;
  try {
    if (config.loss !== "sparse_categorical_crossentropy") {
      throw new CliError(
        `Cannot predict with "${checkpoint.path}": it was trained with loss "${config.loss}", expected ` +
          '"sparse_categorical_crossentropy", whose class probabilities make the intervals',
      );
    }
    process.stderr.write(`${engineLines(engine).join("\n")}\nnetwork from "${checkpoint.path}"\n`);
    const target = { points, grid: points === POINTS ? KEPLER_GRID : null };
    const failures: DataError[] = [];
    const others: DataError[] = [];
    const stars = readInputs(inputs, target, {
      unit: flags.frequencyUnit,
      onFailure: (error) => void failures.push(error),
      onOther: (error) => void others.push(error),
    });
    const predictions = await predictSpectra(model, classEdges, stars, {
      normalize: config.normalize,
      rebin: config.rebin,
      calibration,
      grid: target.grid,
      withLogits: flags.logits ?? false,
      ...(flags.figure !== undefined && { onStar: starPages(flags.figure, target.grid, opened) }),
    });
    reportFailures(failures, others, predictions.length);
    if (flags.csv !== undefined) await writeFileAtomic(flags.csv, predictionCsv(predictions));
    if (flags.json) process.stdout.write(jsonDocument(predictions));
    else if (flags.csv === undefined) process.stdout.write(predictionTable(predictions));
  } finally {
    model.dispose();
  }
}

/** One star a line: readable by line tools, and not a line for each of a thousand probabilities. */
function jsonDocument(predictions: readonly Prediction[]): string {
  return `[\n${predictions.map((prediction) => JSON.stringify(prediction)).join(",\n")}\n]\n`;
}

/**
 * A line for each file of a folder that holds something else than a star, and for each star that could not be used; the latter
 * make the exit code 1.
 *
 * @throws {DataError} the last one when no star is left.
 */
function reportFailures(failures: readonly DataError[], others: readonly DataError[], predicted: number): void {
  const last = predicted > 0 ? undefined : [...others, ...failures].at(-1);
  for (const error of others) if (error !== last) process.stderr.write(`asterolab: skipped: ${error.message}\n`);
  for (const error of failures) if (error !== last) process.stderr.write(`asterolab: ${error.message}\n`);
  if (last !== undefined) throw last;
  if (failures.length === 0) return;
  process.stderr.write(`asterolab: ${failures.length} not used, ${predicted} predicted\n`);
  process.exitCode = 1;
}
