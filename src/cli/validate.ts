/** `asterolab validate`: how well a trained network reads the parameters of a labelled data set. */

import { Command, Option } from "commander";
import type { Config } from "../config";
import { selectEngine } from "../engine";
import { openModel } from "../predict/open-model";
import { openForValidation } from "../train/datasets";
import { evaluate, evaluatePrior, priorOf } from "../train/evaluate";
import { createProgress } from "./progress";
import { validationTable } from "./validation-table";

interface ValidateFlags {
  readonly path: string;
  readonly data: string;
  readonly engine: Config["engine"];
  readonly json?: boolean;
}

export function validateCommand(): Command {
  return new Command("validate")
    .requiredOption("--path <dir|file.pth>", "run folder or .pth file")
    .requiredOption("--data <dir>", "labelled data set; its validation split, where dataset.json names one")
    .addOption(
      new Option("--engine <name>", "where to compute")
        .choices(["auto", "native", "tensorflow", "cpu"])
        .default("auto"),
    )
    .option("--json", "print the result as one JSON document")
    .action(runValidate);
}

async function runValidate({ path, data, engine, json }: ValidateFlags): Promise<void> {
  const { describe } = await selectEngine(engine);
  const { model, config, points, checkpoint } = await openModel(path);
  try {
    const dataset = await openForValidation(data, config, points);
    try {
      process.stderr.write(
        `engine ${describe()}\nnetwork from "${checkpoint.path}", ${dataset.rows} spectra of "${data}"\n`,
      );
      const progress = createProgress({ label: "validate", total: dataset.rows });
      let done = 0;
      const evaluation = await evaluate(model, dataset, {
        loss: config.loss,
        batchSize: Math.min(config.num_batchsize, LARGEST_BATCH),
        onBatch: ({ size }) => {
          done += size;
          progress.update(done);
        },
      }).finally(() => progress.stop());
      const baseline = evaluatePrior(priorOf(dataset, config.loss), dataset, config.loss);
      const document = { path: checkpoint.path, data, ...evaluation, baseline_loss: baseline.loss };
      const text = () => validationTable(evaluation, baseline.loss).join("\n");
      process.stdout.write(`${json ? JSON.stringify(document, null, 2) : text()}\n`);
    } finally {
      await dataset.close();
    }
  } finally {
    model.dispose();
  }
}

/** Keeps the memory of a validation bounded where training used one batch over many ranks. */
const LARGEST_BATCH = 64;
