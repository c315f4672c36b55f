/** `asterolab validate`: how well a trained network reads the parameters of a labelled data set. */

import { Command, Option } from "commander";
import { type Config, ENGINE_NAMES, type Filter } from "../config";
import { Dataset } from "../data/dataset";
import { labelReportLines } from "../data/label-report";
import type { HeadName } from "../data/parameters";
import type { SpectrumSource } from "../data/source";
import { engineLines, selectEngine } from "../engine";
import { CliError } from "../errors";
import { assess, type HeadAssessment } from "../predict/assessment";
import type { Calibration } from "../predict/calibrated";
import { classShares, fitCalibration } from "../predict/calibration";
import { assessClassical } from "../predict/classical-assessment";
import { collectHeldOut, type HeldOut, halfOfRows, rowsWhere } from "../predict/held-out";
import { saveModelFile } from "../predict/model-file";
import { type OpenedModel, openModel } from "../predict/open-model";
import { openForValidation, openValidation } from "../train/datasets";
import { evaluate, evaluatePrior, priorOf } from "../train/evaluate";
import { days, integer, threadsOption } from "./arguments";
import { parseFilter } from "./filter-argument";
import { createProgress } from "./progress";
import { assessmentTable, binTables, classicalLines, coverageLines, validationTable } from "./validation-table";

interface ValidateFlags {
  readonly path: string;
  readonly data?: string;
  readonly spectra: number;
  readonly days?: readonly [number, number];
  readonly engine: Config["engine"];
  readonly threads?: number;
  readonly filter: readonly Filter[];
  readonly calibrate?: string;
  readonly bins?: boolean;
  readonly json?: boolean;
}

export function validateCommand(): Command {
  return new Command("validate")
    .description("Measures a trained network on labelled spectra that it was not trained on.")
    .requiredOption("--path <dir|file.pth>", "run folder or .pth file")
    .option(
      "--data <dir>",
      "labelled data set; its validation split, where dataset.json names one (default: stars simulated as in training)",
    )
    .option("--spectra <n>", "stars to simulate without --data", integer("--spectra", 1), 4096)
    .option("--days <range>", "observing time to simulate, or shortest:longest, for example 1000:1470", days)
    .addOption(new Option("--engine <name>", "where to compute").choices(ENGINE_NAMES).default("auto"))
    .addOption(threadsOption())
    .option(
      "--filter <condition>",
      'only stars with a label in a range, such as "dnu>5"; may be repeated',
      (condition: string, all: Filter[]) => [...all, parseFilter(condition)],
      [],
    )
    .option("--calibrate <out.pth>", "fit a calibration on one half, report the other, write the model with it")
    .option("--bins", "add tables by ranges of dnu and snr")
    .option("--json", "print the result as one JSON document")
    .action(runValidate);
}

async function runValidate(flags: ValidateFlags): Promise<void> {
  if (flags.calibrate !== undefined && flags.filter.length > 0) {
    throw new CliError("Cannot calibrate on a part of the stars: --calibrate needs the whole prior, without --filter");
  }
  const engine = await selectEngine(flags.engine, { threads: flags.threads });
  const opened = await openModel(flags.path);
  try {
    process.stderr.write(`${engineLines(engine).join("\n")}\nnetwork from "${opened.checkpoint.path}"\n`);
    const isClasses = opened.config.loss === "sparse_categorical_crossentropy";
    if (!isClasses && flags.calibrate !== undefined) {
      throw new CliError(
        `Cannot calibrate "${opened.checkpoint.path}": it was trained with loss "${opened.config.loss}", expected ` +
          '"sparse_categorical_crossentropy", whose class probabilities a calibration corrects',
      );
    }
    const { document, text } = isClasses ? await assessClasses(opened, flags) : await evaluateValues(opened, flags);
    process.stdout.write(`${flags.json ? JSON.stringify(document, null, 2) : text().join("\n")}\n`);
  } finally {
    opened.model.dispose();
  }
}

interface Result {
  readonly document: object;
  readonly text: () => string[];
}

async function assessClasses(opened: OpenedModel, flags: ValidateFlags): Promise<Result> {
  const { heldOut, name, classical } = await withSource(opened, flags, async (source, batchSize, onProgress) => {
    const { heldOut } = await collectHeldOut(opened.model, source, { batchSize, onProgress });
    // Stars that are simulated while they are read reach the network prepared: their spectra are not kept.
    const isOnDisk = source instanceof Dataset && source.grid !== null;
    return { heldOut, name: source.folder, classical: isOnDisk ? await assessClassical(source, source.grid!) : null };
  });
  const isFitting = flags.calibrate !== undefined;
  const calibration = isFitting ? await fitOnHalf(opened, flags, heldOut) : opened.calibration;
  const rows = isFitting ? halfOfRows(heldOut.rows, 1) : rowsWhere(heldOut, flags.data ? [] : flags.filter);
  if (rows.length === 0) throw new CliError(`Cannot validate: no star of ${name} passes --filter`);
  const parameters = assess(heldOut, { rows, calibration });
  const uncalibrated = isFitting ? assess(heldOut, { rows, calibration: null }) : null;
  if (isFitting) await saveModelFile(flags.calibrate!, { ...opened, calibration });
  const sum = (of: (scores: HeadAssessment) => number): number =>
    [...parameters.values()].reduce((total, scores) => total + of(scores), 0);
  const described = calibration && {
    rows: calibration.rows,
    temperatures: Object.fromEntries(calibration.temperatures),
    interval_masses: Object.fromEntries(calibration.intervalMasses),
    prior_weights: Object.fromEntries(calibration.priorWeights),
    by_oversampling: calibration.byOversampling.map(({ oversampling, temperatures, intervalMasses }) => ({
      oversampling,
      temperatures: Object.fromEntries(temperatures),
      interval_masses: Object.fromEntries(intervalMasses),
    })),
    ...(uncalibrated && { uncalibrated: Object.fromEntries([...uncalibrated].map(([head, s]) => [head, brief(s)])) }),
  };
  const document = {
    path: opened.checkpoint.path,
    data: name,
    rows: rows.length,
    loss: sum(({ loss }) => loss),
    parameters: Object.fromEntries(parameters),
    baseline_loss: sum(({ prior_loss }) => prior_loss),
    calibration: described,
    classical,
  };
  const text = (): string[] => [
    ...assessmentTable(parameters),
    ...coverageLines(parameters),
    ...(classical === null ? [] : classicalLines(classical, heldOut.rows)),
    ...(flags.bins ? binTables(parameters) : []),
    ...(uncalibrated === null ? [] : calibrationLines(flags.calibrate!, calibration!, uncalibrated)),
  ];
  return { document, text };
}

/** Fits on every second row; of a simulated prior, the class frequencies come from many more stars. */
async function fitOnHalf(opened: OpenedModel, flags: ValidateFlags, heldOut: HeldOut): Promise<Calibration> {
  const rows = halfOfRows(heldOut.rows, 0);
  if (flags.data !== undefined) return fitCalibration(heldOut, { rows });
  const source = await openSource(opened, { ...flags, spectra: PRIOR_STARS });
  try {
    return fitCalibration(heldOut, { rows, prior: classShares(source) });
  } finally {
    await source.close();
  }
}

/** Stars that class frequencies are counted on: labels cost little without their spectra. */
const PRIOR_STARS = 32768;

/** Networks trained on a regression loss give no posterior: their errors alone are measured. */
async function evaluateValues(opened: OpenedModel, flags: ValidateFlags): Promise<Result> {
  const { loss } = opened.config;
  if (!flags.data && flags.filter.length > 0)
    throw new CliError("Cannot filter without classes: --filter needs --data");
  const { evaluation, baseline, name } = await withSource(opened, flags, async (source, batchSize, onProgress) => {
    let done = 0;
    const onBatch = ({ size }: { readonly size: number }): void => {
      done += size;
      onProgress(done);
    };
    return {
      evaluation: await evaluate(opened.model, source, { loss, batchSize, onBatch }),
      baseline: evaluatePrior(priorOf(source, loss), source, loss),
      name: source.folder,
    };
  });
  return {
    document: { path: opened.checkpoint.path, data: name, ...evaluation, baseline_loss: baseline.loss },
    text: () => validationTable(evaluation, baseline.loss),
  };
}

/** Opens the labelled spectra, gives them to `work`, and closes them. */
async function withSource<T>(
  opened: OpenedModel,
  flags: ValidateFlags,
  work: (source: SpectrumSource, batchSize: number, onProgress: (done: number) => void) => Promise<T>,
): Promise<T> {
  const source = await openSource(opened, flags);
  try {
    const { rowsRead, rowsKept } = source.report;
    const count = rowsKept < rowsRead ? `${rowsKept} of ${rowsRead}` : rowsKept;
    const folder = flags.data ? `"${flags.data}"` : source.folder;
    process.stderr.write(`${[`${count} spectra of ${folder}`, ...labelReportLines(source.report)].join("\n")}\n`);
    const progress = createProgress({ label: "validate", total: source.rows });
    const batchSize = Math.min(opened.config.num_batchsize, LARGEST_BATCH);
    return await work(source, batchSize, (done) => progress.update(done)).finally(() => progress.stop());
  } finally {
    await source.close();
  }
}

function openSource({ config, points, checkpoint }: OpenedModel, flags: ValidateFlags): Promise<SpectrumSource> {
  const { data, filter, spectra, days } = flags;
  if (data !== undefined) {
    return openForValidation(data, { ...config, filter: [...config.filter, ...filter] }, points);
  }
  if (config.simulate === null) {
    throw new CliError(`Cannot validate "${checkpoint.path}": it was trained on a data set, so --data must name one`);
  }
  const simulate = { ...config.simulate, validation_spectra: spectra, ...(days && { days }) };
  // Stars that decided neither a gradient nor which epoch is the best.
  const seed = config.seed + 1;
  return openValidation({ ...config, seed, simulate, validation: { ...config.validation, data_dir: null } }, points);
}

function brief({
  loss,
  coverage68,
  coverage95,
}: HeadAssessment): Pick<HeadAssessment, "loss" | "coverage68" | "coverage95"> {
  return { loss, coverage68, coverage95 };
}

/** Temperatures, and what the same rows scored without them. */
function calibrationLines(
  path: string,
  { temperatures, priorWeights, intervalMasses, byOversampling }: Calibration,
  uncalibrated: ReadonlyMap<HeadName, HeadAssessment>,
): string[] {
  const lines = [...temperatures].map(([head, temperature]) => {
    const { loss, coverage68, coverage95 } = uncalibrated.get(head)!;
    const before = `NLL ${loss.toFixed(3)}, 68 % covers ${percent(coverage68)}, 95 % ${percent(coverage95)}`;
    const weight = priorWeights.get(head)!.toFixed(3);
    const masses = intervalMasses.get(head)!.map(percent).join(" and ");
    return `  ${head.padEnd(5)}  ${temperature.toFixed(3)}  ${weight.padStart(6)}  ${masses}  (without: ${before})`;
  });
  return [
    "",
    "temperature, weight of the prior, and what the 68 % and 95 % intervals take of a posterior, fitted on the other half of the rows:",
    ...lines,
    byOversampling.length === 0
      ? "one correction for all: too few short observations for others"
      : `and again for stars observed as briefly as these, by oversampling: ${byOversampling.map(({ oversampling }) => oversampling.toFixed(1)).join(", ")}`,
    `calibrated model in "${path}"`,
  ];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** Keeps the memory of a validation bounded where training used one batch over many ranks. */
const LARGEST_BATCH = 64;
