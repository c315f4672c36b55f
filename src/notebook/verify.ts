/** Checks that a notebook reproduces: runs it again as it was run and compares the outputs. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CompareOptions, compareOutputs, type Difference } from "./compare";
import { type RunOptions, type RunResult, runNotebook } from "./executor";
import { type JsonObject, readNotebook } from "./notebook-file";

export interface VerifyOptions
  extends CompareOptions,
    Pick<RunOptions, "input" | "parameters" | "kernel" | "executionTimeoutMs" | "signal" | "onEvent"> {
  /** The folder the kernel runs in; default: a fresh one, so that nothing left by an earlier run takes part. */
  readonly cwd?: string;
}

export interface Verification {
  /** Empty when the notebook reproduced. */
  readonly differences: readonly Difference[];
  /** Of the new run. */
  readonly run: RunResult;
}

/**
 * Runs `input` with the parameters it records, or those given, and compares.
 *
 * @throws {NotebookError} when the notebook, a parameter or the kernel's name is wrong.
 * @throws {KernelError} when the kernel does not start.
 */
export async function verifyNotebook(options: VerifyOptions): Promise<Verification> {
  const { input, rtol, atol, parameters = [], cwd, ...run } = options;
  const expected = await readNotebook(input);
  const folder = await mkdtemp(join(tmpdir(), "asterolab-verify-"));
  try {
    const given = new Set(parameters.map(({ name }) => name));
    const recorded = Object.entries(recordedParameters(expected.metadata))
      .filter(([name]) => !given.has(name))
      .map(([name, value]) => ({ name, candidates: [value] }));
    const result = await runNotebook({
      ...run,
      input,
      output: join(folder, "again.ipynb"),
      cwd: cwd ?? folder,
      parameters: [...recorded, ...parameters],
    });
    if (result.error !== undefined) return { differences: [], run: result };
    return { differences: compareOutputs(expected, result.notebook, { rtol, atol }), run: result };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function recordedParameters(metadata: JsonObject): JsonObject {
  return ((metadata.papermill as JsonObject | undefined)?.parameters as JsonObject | undefined) ?? {};
}
