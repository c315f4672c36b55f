/** `asterolab doctor`: what works on this machine, and how to get what does not. */

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import { Command } from "commander";
import { addonPath } from "../distributed/addon";
import { maybeFindMpirun } from "../distributed/mpirun";
import { version } from "../version";

/** One thing the program can use: whether it is there, what was found, and how to get it if it is not. */
export interface Finding {
  readonly ok: boolean;
  readonly detail: string;
  readonly advice?: string;
}

export interface Report {
  readonly version: string;
  readonly node: Finding;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly memoryGiB: number };
  readonly engines: Readonly<Record<"native" | "tensorflow" | "cpu", Finding>>;
  readonly compiler: Finding;
  readonly kernel: Finding;
  readonly jupyter: Finding;
  readonly mpi: Finding;
  readonly gpu: Finding;
}

export function doctorCommand(): Command {
  return new Command("doctor")
    .option("--json", "print one JSON document")
    .action(async (options: { json?: boolean }) => {
      const report = await examine();
      process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : table(report));
    });
}

/** Looks at everything; never throws for something that is missing. */
export async function examine(): Promise<Report> {
  return {
    version,
    node: {
      ok: Number(process.versions.node.split(".")[0]) >= 20,
      detail: process.version,
      advice: "install Node 20 or newer",
    },
    machine: {
      cpu: cpus()[0]?.model ?? "unknown",
      cores: availableParallelism(),
      memoryGiB: Math.round(totalmem() / 2 ** 30),
    },
    engines: {
      native: await engineFinding("native", 'run "npm run setup"'),
      tensorflow: await engineFinding("tensorflow", "see environment.md, section GPU"),
      cpu: await engineFinding("cpu", 'run "npm run setup"'),
    },
    compiler: toolFinding(process.env.CXX ?? "c++", ["--version"], "Debian: apt-get install g++ make"),
    kernel: kernelFinding(),
    jupyter: toolFinding("jupyter", ["--version"], "pip install jupyterlab; not needed to execute notebooks headless"),
    mpi: mpiFinding(),
    gpu: toolFinding("nvidia-smi", ["-L"], "no NVIDIA driver here; the native engine needs none"),
  };
}

async function engineFinding(name: "native" | "tensorflow" | "cpu", advice: string): Promise<Finding> {
  const { selectEngine } = await import("../engine");
  try {
    const engine = await selectEngine(name);
    return { ok: true, detail: engine.describe() };
  } catch (error) {
    return { ok: false, detail: (error as Error).message, advice };
  }
}

function toolFinding(tool: string, args: readonly string[], advice: string): Finding {
  const result = spawnSync(tool, args, { encoding: "utf8", timeout: 20_000 });
  const line = `${result.stdout ?? ""}`.split("\n").find((text) => text.trim() !== "");
  if (result.status === 0) return { ok: true, detail: line?.trim() ?? tool };
  return { ok: false, detail: result.error ? "not found" : `${tool} failed with exit code ${result.status}`, advice };
}

/** An mpirun, and the addon for its MPI. */
function mpiFinding(): Finding {
  const mpirun = maybeFindMpirun();
  if (mpirun === null) {
    const advice = 'run "npm run setup -- --mpi", or install Open MPI or MPICH; not needed on one rank';
    return { ok: false, detail: "no mpirun is found", advice };
  }
  const detail = `${mpirun.version} (${mpirun.command})`;
  if (existsSync(addonPath(mpirun.implementation))) return { ok: true, detail };
  return { ok: false, detail: `${detail}, its addon is not built`, advice: 'run "npm run build:mpi"' };
}

function kernelFinding(): Finding {
  try {
    const path = require.resolve("tslab/package.json");
    return { ok: true, detail: `tslab ${(require(path) as { version: string }).version}` };
  } catch {
    return { ok: false, detail: "tslab is not installed", advice: 'run "npm run setup"' };
  }
}

function table(report: Report): string {
  const { machine, engines } = report;
  const rows: [string, Finding][] = [
    ["node", report.node],
    ["engine native", engines.native],
    ["engine tensorflow", engines.tensorflow],
    ["engine cpu", engines.cpu],
    ["C++ compiler", report.compiler],
    ["notebook kernel", report.kernel],
    ["Jupyter", report.jupyter],
    ["MPI", report.mpi],
    ["GPU", report.gpu],
  ];
  const width = Math.max(...rows.map(([label]) => label.length));
  const lines = rows.map(([label, { ok, detail, advice }]) => {
    const hint = ok || advice === undefined ? "" : `\n${" ".repeat(width + 7)}-> ${advice}`;
    return `${label.padEnd(width)}  ${ok ? "ok  " : "no  "} ${detail}${hint}`;
  });
  return `Asterolab ${report.version} on ${machine.cores} cores of ${machine.cpu}, ${machine.memoryGiB} GiB\n${lines.join("\n")}\n`;
}
