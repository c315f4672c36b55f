/** Checks that a notebook reproduces: runs it again as it was run and compares the outputs. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CompareOptions, compareOutputs, type Difference, NBVAL_RAISES_TAG, NBVAL_SKIP_TAG } from "./compare";
import { type RunOptions, type RunResult, runNotebook } from "./executor";
import { type JsonObject, readNotebook } from "./notebook-file";
import { literalPath } from "./path-template";
import { PATH_PARAMETERS } from "./prepare";
import { collectProvenance, compareProvenance, maybeProvenance, type ProvenanceCheck } from "./provenance";

export interface VerifyOptions
  extends CompareOptions,
    Pick<RunOptions, "input" | "parameters" | "kernel" | "executionTimeoutMs" | "signal" | "onEvent"> {
  /** The folder the kernel runs in; default: a fresh one, so that nothing left by an earlier run takes part. */
  readonly cwd?: string;
}

export interface Verification {
  /** Empty when the notebook reproduced. */
  readonly differences: readonly Difference[];
  /** What has changed since the run that the notebook records; undefined when it records none. */
  readonly provenance: ProvenanceCheck | undefined;
  /** Of the new run. */
  readonly run: RunResult;
}

/**
 * Runs `input` with the parameters it records, or those given, and compares. The tags of nbval count: `nbval-skip`,
 * `nbval-raises-exception`, `nbval-ignore-output`, `nbval-check-output`; and `asterolab-measured`.
 *
 * @throws {NotebookError} when the notebook, a parameter or the kernel's name is wrong.
 * @throws {KernelError} when the kernel does not start.
 */
export async function verifyNotebook(options: VerifyOptions): Promise<Verification> {
  const { input, rtol, atol, isLax, parameters = [], cwd, ...run } = options;
  const expected = await readNotebook(input);
  const recordedRun = maybeProvenance(expected);
  const reads = Object.keys(recordedRun?.inputs ?? {});
  const here = process.cwd();
  const ranks = recordedRun?.ranks ?? 1;
  const now = await collectProvenance({ notebook: expected, path: input, inputs: reads, cwd: cwd ?? here, ranks });
  const folder = await mkdtemp(join(tmpdir(), "asterolab-verify-"));
  try {
    const given = new Set(parameters.map(({ name }) => name));
    const before = recordedParameters(expected.metadata);
    const recorded = Object.entries(before)
      .filter(([name]) => !given.has(name) && name !== PATH_PARAMETERS.input && name !== PATH_PARAMETERS.output)
      .map(([name, value]) => ({ name, candidates: meaningsOf(value) }));
    const result = await runNotebook({
      ...run,
      ...(ranks > 1 && { ranks }),
      input: literalPath(input),
      injectPaths: { input: PATH_PARAMETERS.input in before, output: PATH_PARAMETERS.output in before },
      output: join(folder, "again.ipynb"),
      cwd: cwd ?? folder,
      skipTags: [NBVAL_SKIP_TAG],
      raisesTags: [NBVAL_RAISES_TAG],
      parameters: [...recorded, ...parameters],
    });
    const { kernel = null, engine = null, data = {} } = maybeProvenance(result.notebook) ?? {};
    const provenance = recordedRun && compareProvenance(recordedRun, { ...now, kernel, engine, data });
    if (result.error !== undefined) return { differences: [], provenance, run: result };
    return { differences: compareOutputs(expected, result.notebook, { rtol, atol, isLax }), provenance, run: result };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function recordedParameters(metadata: JsonObject): JsonObject {
  return ((metadata.papermill as JsonObject | undefined)?.parameters as JsonObject | undefined) ?? {};
}

/** JSON has no NaN and no infinities: the record has them by name. */
function meaningsOf(value: unknown): unknown[] {
  return typeof value === "string" && /^(NaN|-?Infinity)$/.test(value) ? [Number(value), value] : [value];
}
