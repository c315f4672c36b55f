/**
 * The whole road once, as a user would type it: the pipeline of notebooks/pipeline.yaml, interrupted while it trains, and
 * started again. Everything lands in runs/demo; a second demo starts anew.
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
const RUN = join(FOLDER, "compact");
const UNSEEN = join(FOLDER, "data", "data_004.npy");
const EPOCHS = 6;
/** Large enough that the run is stopped inside its last epoch. */
const STOP_IN_EPOCH = EPOCHS;
const PIPELINE = [
  "pipeline",
  "run",
  join("notebooks", "pipeline.yaml"),
  "--set",
  `runs=${FOLDER}`,
  "--set",
  `epochs=${EPOCHS}`,
];

async function main(): Promise<void> {
  const startedAt = Date.now();
  process.chdir(projectRoot);
  rmSync(FOLDER, { recursive: true, force: true });

  heading("1 of 2: simulating power spectra, looking at them in notebooks, training; Ctrl-C comes in its last epoch");
  await interrupted(PIPELINE);

  heading("2 of 2: the same command again: what is done is skipped, training goes on where it was, to the end");
  await finished(PIPELINE);

  process.stdout.write(readFileSync(join(FOLDER, "star.txt"), "utf8"));
  const report = JSON.parse(readFileSync(join(FOLDER, "validation.json"), "utf8")) as Evaluation & {
    baseline_loss: number;
  };

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
    `  ${join(FOLDER, "index.html")}               every stage, with the pages of its notebooks`,
    `  ${join(FOLDER, "03-training.ipynb")}        the training notebook as it ran, with its figures`,
    "  notebooks/                             the same notebooks, to work in with JupyterLab",
    `  npx asterolab predict --model ${RUN} "${UNSEEN}[1]"`,
    "  README.md                              the tour",
    "",
    `The demo took ${formatSeconds((Date.now() - startedAt) / 1000)}.`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  if (!(report.loss < report.baseline_loss)) {
    throw new Error(`the validation loss ${report.loss} is not below the prior's ${report.baseline_loss}`);
  }
}

/** Runs the pipeline until the last epoch has begun, then interrupts it as Ctrl-C would. */
async function interrupted(args: readonly string[]): Promise<void> {
  const child = start(args);
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

async function finished(args: readonly string[]): Promise<void> {
  const code = await exitOf(start(args));
  if (code !== 0) throw new Error(`"asterolab ${args.join(" ")}" ended with exit code ${code}`);
}

/** Starts a command; its progress stays visible on stderr. */
function start(args: readonly string[]): ChildProcess {
  process.stderr.write(`$ npx asterolab ${args.join(" ")}\n`);
  return spawn(process.execPath, [join("bin", "asterolab.js"), ...args], { stdio: ["ignore", "ignore", "inherit"] });
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
}

function heading(text: string): void {
  process.stderr.write(`\n== ${text}\n`);
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
