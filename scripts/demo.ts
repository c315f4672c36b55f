/**
 * The whole road once, as a user would type it: simulate, train, stop, restore, validate, predict, and the notebooks
 * headless. Everything lands in runs/demo; a second run starts anew.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { formatSeconds } from "../src/cli/progress";
import { validationTable } from "../src/cli/validation-table";
import type { Evaluation } from "../src/train/evaluate";
import { METRICS_FILE } from "../src/train/metrics-file";
import { projectRoot } from "../src/version";

const FOLDER = join("runs", "demo");
const DATA = join(FOLDER, "data");
const RUN = join(FOLDER, "compact");
const UNSEEN = join(DATA, "data_004.npy");
/** The notebooks and the folder each works in: the last looks at the network trained above. */
const NOTEBOOKS: readonly (readonly [name: string, runFolder: string, ...more: string[]])[] = [
  ["01-data", join(FOLDER, "notebooks", "01-data")],
  ["02-binning", join(FOLDER, "notebooks", "02-binning")],
  ["03-training", join(FOLDER, "notebooks", "03-training"), "-p", "epochs", "2"],
  ["04-validation", RUN],
];
const EPOCHS = 6;
/** Large enough that the run is stopped inside its last epoch. */
const STOP_IN_EPOCH = EPOCHS;

async function main(): Promise<void> {
  const startedAt = Date.now();
  process.chdir(projectRoot);
  rmSync(FOLDER, { recursive: true, force: true });

  heading(1, "Simulating power spectra of red giants, with the fifteen parameters of each");
  const shards = ["--shards", "4", "--validation-shards", "1", "--spectra", "512"];
  await asterolab(["simulate", "--out", DATA, ...shards, "--seed", "1"]);

  heading(2, "Training the compact network; Ctrl-C is sent to it during the last epoch");
  const preset = ["--preset", "compact", "--data", DATA, "--set", `num_epochs=${EPOCHS}`];
  await interruptedTraining(["train", "--path", RUN, "--restore", "no", ...preset]);

  heading(3, "Restoring the run: it goes on where it was, to the end");
  await asterolab(["train", "--path", RUN, "--restore", "yes"], { output: "hidden" });

  heading(4, "Validating the best checkpoint");
  const report = JSON.parse(
    await asterolab(["validate", "--path", RUN, "--data", DATA, "--json"], { output: "captured" }),
  ) as Evaluation & { baseline_loss: number };

  heading(5, "Predicting the parameters of spectra that the network has never seen");
  await asterolab(["predict", "--model", RUN, UNSEEN, "--csv", join(FOLDER, "predictions.csv")]);
  await asterolab(["predict", "--model", RUN, `${UNSEEN}[0]`]);

  heading(6, "Executing the notebooks headless");
  for (const [name, runFolder, ...more] of NOTEBOOKS) {
    const parameters = ["-p", "data_dir", DATA, "-p", "run_dir", runFolder, ...more];
    await asterolab([
      "notebook",
      "run",
      join("notebooks", `${name}.ipynb`),
      join(FOLDER, `${name}.ipynb`),
      ...parameters,
    ]);
  }

  const lines = [
    "",
    `Validation of ${RUN} on spectra it was not trained on`,
    "",
    ...validationTable(report, report.baseline_loss),
    "",
    "Files written",
    "",
    ...filesUnder(FOLDER).map((path) => `  ${path.padEnd(52)} ${size(path)}`),
    "",
    "What to open next",
    "",
    `  ${join(FOLDER, "03-training.ipynb")}    the training notebook as it ran, with its figures`,
    "  notebooks/                         the same notebooks, to work in with JupyterLab",
    `  npx asterolab predict --model ${RUN} "${UNSEEN}[1]"`,
    "  README.md                          the tour",
    "",
    `The demo took ${formatSeconds((Date.now() - startedAt) / 1000)}.`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  if (!(report.loss < report.baseline_loss)) {
    throw new Error(`the validation loss ${report.loss} is not below the prior's ${report.baseline_loss}`);
  }
}

/** Trains until the last epoch has begun, then interrupts the run as Ctrl-C would. */
async function interruptedTraining(args: readonly string[]): Promise<void> {
  const child = start(args, "ignore");
  const watch = setInterval(() => {
    const metrics = join(RUN, METRICS_FILE);
    if (existsSync(metrics) && readFileSync(metrics, "utf8").includes(`"epoch":${STOP_IN_EPOCH},`)) {
      clearInterval(watch);
      child.kill("SIGINT");
    }
  }, 200);
  const code = await exitOf(child);
  clearInterval(watch);
  if (code !== 130 && code !== 0) throw new Error(`"asterolab ${args.join(" ")}" ended with exit code ${code}`);
}

/** Runs one command to its end; its progress stays visible on stderr. */
async function asterolab(
  args: readonly string[],
  { output = "shown" }: { readonly output?: "shown" | "hidden" | "captured" } = {},
): Promise<string> {
  const child = start(args, output === "shown" ? "inherit" : output === "hidden" ? "ignore" : "pipe");
  let captured = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    captured += chunk.toString();
  });
  const code = await exitOf(child);
  if (code !== 0) throw new Error(`"asterolab ${args.join(" ")}" ended with exit code ${code}`);
  return captured;
}

function start(args: readonly string[], stdout: "inherit" | "ignore" | "pipe"): ChildProcess {
  process.stderr.write(`$ npx asterolab ${args.join(" ")}\n`);
  return spawn(process.execPath, [join("bin", "asterolab.js"), ...args], { stdio: ["ignore", stdout, "inherit"] });
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
}

function heading(number: number, text: string): void {
  process.stderr.write(`\n== ${number} of 6: ${text}\n`);
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => a.name.localeCompare(b.name))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesUnder(path) : [path];
    });
}

function size(path: string): string {
  const bytes = statSync(path).size;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

main().catch((error: Error) => {
  process.stderr.write(`demo: ${error.message}\n`);
  process.exitCode = 1;
});
