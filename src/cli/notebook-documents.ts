/** The commands that treat notebooks as documents: `notebook inspect`, `notebook verify`, `notebook html`. */

import { basename } from "node:path";
import { Command } from "commander";
import { writeNotebookHtml } from "../notebook/html";
import { inspectNotebook } from "../notebook/inspect";
import { readNotebook } from "../notebook/notebook-file";
import { readParameters } from "../notebook/parameters";
import { verifyNotebook } from "../notebook/verify";
import { collect, seconds, tolerance } from "./arguments";
import { abortOnSignals, createView } from "./notebook-view";

export function inspectCommand(): Command {
  return new Command("inspect")
    .description("show the parameters a notebook takes")
    .argument("<input>", "the notebook")
    .option("--json", "print one JSON document")
    .action(async (input: string, { json }: { json?: boolean }) => {
      const parameters = await inspectNotebook(input);
      if (parameters === undefined) {
        process.stderr.write(`asterolab: "${input}" has no cell tagged "parameters"\n`);
        process.exitCode = 1;
      }
      if (json) {
        const document = Object.fromEntries((parameters ?? []).map((parameter) => [parameter.name, parameter]));
        process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
        return;
      }
      for (const { name, inferred_type_name: type, default: value, help } of parameters ?? []) {
        process.stdout.write(`  ${name}: ${type} (default ${value})${help === "" ? "" : `  ${help}`}\n`);
      }
    });
}

interface VerifyFlags {
  readonly parametersYaml: string[];
  readonly kernel?: string;
  readonly cwd?: string;
  readonly rtol: number;
  readonly atol: number;
  readonly lax?: boolean;
  readonly executionTimeout?: number;
}

export function verifyCommand(): Command {
  return new Command("verify")
    .summary("run a notebook again and compare its outputs")
    .description(
      "Runs a notebook again as it was run and compares its outputs: words exactly, numbers within tolerances, figures by " +
        "their data. Tags of cells: asterolab-measured (numbers are times or sizes: words alone are compared), " +
        "nbval-ignore-output, nbval-check-output, nbval-skip, nbval-raises-exception.",
    )
    .argument("<input>", "an executed notebook; it is left as it is")
    .option("-y, --parameters-yaml <yaml>", "run with other parameters than recorded", collect, [])
    .option("-k, --kernel <name>", "run on this kernel instead of the notebook's own")
    .option("--cwd <folder>", "run the kernel in this folder instead of a fresh one")
    .option("--rtol <number>", "how far numbers may differ, relative to the old ones", tolerance("--rtol"), 1e-6)
    .option("--atol <number>", "how far numbers may differ at all", tolerance("--atol"), 1e-9)
    .option("--lax", "compare the outputs of cells tagged nbval-check-output alone")
    .option("--execution-timeout <seconds>", "interrupt a cell that takes longer, and fail", seconds)
    .action(verifyAction);
}

async function verifyAction(input: string, flags: VerifyFlags): Promise<void> {
  const view = createView({ label: input });
  const { signal, release } = abortOnSignals();
  try {
    const { parametersYaml: yaml, kernel, cwd, rtol, atol, lax: isLax } = flags;
    const parameters = readParameters({ parameters: [], rawParameters: [], yaml, files: [], base64: [] });
    const { onEvent } = view;
    const { differences, provenance, run } = await verifyNotebook({
      input,
      parameters,
      kernel,
      cwd,
      rtol,
      atol,
      isLax,
      executionTimeoutMs: flags.executionTimeout && flags.executionTimeout * 1000,
      signal,
      onEvent,
    });
    view.stop();
    if (run.error !== undefined) process.stderr.write(`asterolab: ${run.error.message}\n`);
    for (const note of provenance?.notes ?? []) process.stderr.write(`asterolab: since the run: ${note}\n`);
    const findings = [...(provenance?.problems ?? []), ...differences.map(({ cell, text }) => `cell ${cell}: ${text}`)];
    for (const finding of findings) process.stdout.write(`${finding}\n`);
    if (findings.length === 0 && run.exitCode === 0) process.stdout.write(`${input}: the same outputs\n`);
    process.exitCode = run.exitCode !== 0 ? run.exitCode : findings.length > 0 ? 1 : 0;
  } finally {
    view.stop();
    release();
  }
}

export function htmlCommand(): Command {
  return new Command("html")
    .description("write a notebook as one self-contained page")
    .argument("<input>", "the notebook")
    .argument("[output]", "the page (default: beside the notebook)")
    .action(async (input: string, output = `${input.replace(/\.ipynb$/, "")}.html`) => {
      await writeNotebookHtml(await readNotebook(input), basename(input, ".ipynb"), output);
      process.stdout.write(`${output}\n`);
    });
}
