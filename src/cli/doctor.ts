/** `asterolab doctor`: what works on this machine, and how to get what does not. */

import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { addonPath } from "../distributed/addon";
import { maybeFindMpirun } from "../distributed/mpirun";
import type { TensorflowBuild } from "../engine/tensorflow/load";
import { describeIoError, errorCode } from "../files";
import { projectRoot, version } from "../version";

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
      tensorflow: await tensorflowFinding(),
      cpu: await engineFinding("cpu", 'run "npm run setup"'),
    },
    compiler: toolFinding(process.env.CXX ?? "c++", ["--version"], "Debian: apt-get install g++ make"),
    kernel: kernelFinding(),
    jupyter: jupyterFinding(),
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

/**
 * Whether TensorFlow loads, from where, for which CUDA, and whether it uses the GPU that is there. It is loaded in a
 * process of its own: a library that crashes is a finding.
 */
async function tensorflowFinding(): Promise<Finding> {
  const { maybeTensorflowBuild } = await import("../engine/tensorflow/load");
  const { gpuCount } = await import("../engine/tensorflow/device");
  const build = maybeTensorflowBuild();
  const finding = inChild("tensorflow");
  const [gpus, isOnGpu] = [gpuCount(), / GPU\b/.test(finding.detail)];
  const origin = build === null ? "" : `; ${describeBuild(build)}`;
  const command = `npm run engine:tensorflow${gpus > 0 ? " -- --gpu" : ""}`;
  if (!finding.ok) return { ...finding, advice: `run "${command}"; environment.md, section GPU` };
  const detail = `${finding.detail}${origin}`;
  if (gpus === 0 || isOnGpu) return { ok: true, detail };
  const unused = `${detail}; it does not use the ${gpus === 1 ? "GPU" : "GPUs"} of this machine`;
  return {
    ok: false,
    detail: unused,
    advice: `run "${command}"; with TF_CPP_MIN_LOG_LEVEL=0 it says which of CUDA's libraries it misses`,
  };
}

/** Which TensorFlow, for which CUDA, and where. */
export function describeBuild({ package: name, version: built, cuda, cudaVersion, folder }: TensorflowBuild): string {
  const target = cuda.length === 0 ? "the CPU" : `CUDA ${cudaVersion ?? ""}`.trim();
  return `${name} ${built} for ${target} in ${folder}`;
}

function inChild(name: "tensorflow"): Finding {
  const program = `require(process.argv[1]).selectEngine(process.argv[2]).then((engine) => console.log(engine.describe()), (error) => { console.log(error.message); process.exitCode = 1; })`;
  const engine = require.resolve("../engine");
  const loader = engine.endsWith(".ts") ? ["--require", require.resolve("ts-node/register")] : [];
  const args = [...loader, "-e", program, engine, name];
  const result = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 120_000 });
  const line = result.stdout?.trim().split("\n").at(-1) ?? "";
  if (result.status === 0) return { ok: true, detail: line };
  return {
    ok: false,
    detail: line || `TensorFlow ended the process that loaded it (${result.signal ?? result.status})`,
  };
}

function toolFinding(tool: string, args: readonly string[], advice: string): Finding {
  const result = spawnSync(tool, args, { encoding: "utf8", timeout: 20_000 });
  const line = `${result.stdout ?? ""}`.split("\n").find((text) => text.trim() !== "");
  if (result.status === 0) return { ok: true, detail: line?.trim() ?? tool };
  return { ok: false, detail: failureOf(tool, result), advice };
}

/** Why a tool gave no answer: a slow or forbidden one is there. */
function failureOf(tool: string, { error, status, signal }: SpawnSyncReturns<string>): string {
  if (error === undefined) return `${tool} failed with ${status === null ? signal : `exit code ${status}`}`;
  return errorCode(error) === "ENOENT" ? "not found" : `${tool} does not run: ${describeIoError(error)}`;
}

/** The first Jupyter that runs: that of the environment, or the one which `npm run jupyter` has put into .venv. */
export function jupyterFinding(
  commands: readonly string[] = ["jupyter", join(projectRoot, ".venv", "bin", "jupyter")],
): Finding {
  const advice = 'run "npm run jupyter"; not needed to execute notebooks headless';
  let missing = "not found";
  for (const command of commands) {
    const result = spawnSync(command, ["--version"], { encoding: "utf8", timeout: 60_000 });
    if (result.status !== 0) {
      const failure = failureOf(command, result);
      if (missing === "not found") missing = failure;
      continue;
    }
    const versionOf = (name: string): string | undefined =>
      new RegExp(`^${name}\\s*:\\s*(\\d\\S*)`, "m").exec(result.stdout)?.[1];
    const lab = versionOf("jupyterlab");
    const found = lab === undefined ? `Jupyter ${versionOf("jupyter_core")}, without JupyterLab` : `JupyterLab ${lab}`;
    return { ok: true, detail: `${found} (${command})` };
  }
  return { ok: false, detail: missing, advice };
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
