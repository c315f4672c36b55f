/**
 * The whole road once, as a user would type it: simulate, train, validate, restore, predict, and the notebooks headless.
 * Everything lands in runs/demo; a second run starts anew.
 */

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { createProgress, formatSeconds } from "../src/cli/progress";
import { projectRoot } from "../src/version";

const folder = join("runs", "demo");
const data = join(folder, "data");
const run = join(folder, "compact");
const EPOCHS = 8;
const NOTEBOOKS = ["01-data", "02-binning", "03-training", "04-validation"];

interface ValidationReport {
  readonly loss: number;
  readonly baseline_loss: number;
  readonly parameters: Readonly<
    Record<string, { accuracy: number; mae: number; baseline_accuracy: number; unit: string }>
  >;
}

const startedAt = Date.now();
process.chdir(projectRoot);
rmSync(folder, { recursive: true, force: true });

step("1/6  Simulating power spectra of red giants, with the fifteen parameters of each");
asterolab("simulate", "--out", data, "--shards", "4", "--validation-shards", "1", "--spectra", "640", "--seed", "1");

step("2/6  Training the compact network; it is stopped one epoch before the end");
const settings = ["--preset", "compact", "--data", data, "--set", `num_epochs=${EPOCHS}`, "--set", "keep=2"];
asterolab("train", "--path", run, "--restore", "no", ...settings, "--stop-after-epoch", String(EPOCHS - 1));

step("3/6  Restoring the run and training its last epoch");
asterolab("train", "--path", run, "--restore", "yes", ...settings);

step("4/6  Validating the best checkpoint");
const report = JSON.parse(capture("validate", "--path", run, "--data", data, "--json")) as ValidationReport;

step("5/6  Predicting the parameters of three spectra that the network has never seen");
const unseen = join(data, "data_004.npy");
asterolab(
  "predict",
  "--model",
  run,
  `${unseen}[0]`,
  `${unseen}[1]`,
  `${unseen}[2]`,
  "--csv",
  join(folder, "predictions.csv"),
);

step("6/6  Executing the notebooks headless");
for (const name of NOTEBOOKS) {
  const output = join(folder, `${name}.ipynb`);
  asterolab(
    "notebook",
    "run",
    join("notebooks", `${name}.ipynb`),
    output,
    "-p",
    "data_dir",
    data,
    "-p",
    "run_dir",
    run,
  );
}

printSummary();
