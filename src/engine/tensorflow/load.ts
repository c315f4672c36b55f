/** Loads @tensorflow/tfjs-node-gpu, with what must be settled before TensorFlow starts. */

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gpuCount, visibleDevice } from "./device";

/** What `npm run engine:tensorflow` built the addon against. */
export interface TensorflowBuild {
  readonly package: string;
  readonly version: string;
  readonly folder: string;
  /** The folders of CUDA's libraries; empty for a TensorFlow without. */
  readonly cuda: readonly string[];
  /** Of the CUDA runtime beside TensorFlow; null where there is none. */
  readonly cudaVersion: string | null;
}

const PACKAGE = "@tensorflow/tfjs-node-gpu";

/**
 * Loads the package, which registers its backend and makes it the current one.
 *
 * @param threads of each op on the CPU; only the first load can set it
 * @throws Error that says what is missing, in one line.
 */
export function loadTensorflow(threads: number): void {
  restoreRemovedHelpers();
  prepareEnvironment(threads);
  try {
    // Not imported on top: the package is optional, and loading it selects its backend.
    require(PACKAGE);
  } catch (cause) {
    const reason = (cause instanceof Error ? cause.message : String(cause)).split("\n")[0];
    throw new Error(
      `Cannot use the tensorflow engine: ${PACKAGE} must be installed with its library, and it does not load (${reason}); use --engine native, or run \`npm run engine:tensorflow\``,
      { cause },
    );
  }
}

/** The TensorFlow that the addon in place was built against; null for another addon or none. */
export function maybeTensorflowBuild(): TensorflowBuild | null {
  try {
    const folder = dirname(require.resolve(`${PACKAGE}/package.json`));
    const record = join(folder, "lib", "napi-v8", "asterolab.json");
    return existsSync(record) ? (JSON.parse(readFileSync(record, "utf8")) as TensorflowBuild) : null;
  } catch {
    return null;
  }
}

/** TensorFlow reads these once, when it starts; what the user set stays. */
function prepareEnvironment(threads: number): void {
  const device = visibleDevice(gpuCount());
  if (device !== undefined) process.env.CUDA_VISIBLE_DEVICES = device;
  // Memory as it is needed, so that several processes can share a GPU.
  process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= "true";
  process.env.TF_NUM_INTRAOP_THREADS ??= String(threads);
  // Its notes and warnings are not for our users; with 0 it says which of CUDA's libraries it does not find.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "2";
}

/** tfjs-node 4.22 calls two functions of node:util that Node 23 removed. */
function restoreRemovedHelpers(): void {
  const helpers = require("node:util") as Record<string, unknown>;
  helpers.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  helpers.isArray ??= Array.isArray;
}
