/** The checkpoints of a run folder: which names hold what, how they rotate, and which one a restored run starts from. */

import { promises as fs } from "node:fs";
import { basename, dirname, join } from "node:path";
import { CheckpointError } from "../errors";
import { describeIoError, isSystemError, removeAbandoned } from "../files";
import { writeAtomically } from "./atomic";
import { loadError } from "./load-error";
import { fromTorchValue, toReferenceDict, toWeightsDict } from "./reference-dict";
import { loadTorchFile, writeTorchArchive, writeTorchFile } from "./torch-file";
import type { TorchDict } from "./torch-values";
import type { LoadedCheckpoint, NetworkSettings, StateTensor, TrainingState } from "./training-state";

/** Under which names a state is kept. */
export interface SaveOptions {
  /** The validation loss has never been lower: `is_best.pth` becomes this state. */
  readonly isBest: boolean;
  /** An epoch has just ended: the state is also kept as `checkpoint-<epoch>.pth`. */
  readonly isEpochEnd: boolean;
  /** How many `checkpoint-<epoch>.pth` stay, counting back from the state's epoch. */
  readonly keep: number;
}

/**
 * Writes `checkpoint.pth` and, where the options say so, `checkpoint-<epoch>.pth` and `is_best.pth` with the same bytes.
 *
 * Each name holds its old content or the new at any moment, and `checkpoint.pth` comes last: a run restored from it
 * finds the others at least as new. The state's arrays must not change until the promise settles. On several ranks, one
 * calls this.
 *
 * @returns the paths written, `checkpoint.pth` last.
 * @throws {CheckpointError} when a file cannot be written.
 */
export async function saveCheckpoint(dir: string, state: TrainingState, options: SaveOptions): Promise<string[]> {
  await removeAbandoned(dir);
  const names = [
    ...(options.isEpochEnd ? [`checkpoint-${state.epoch}.pth`] : []),
    ...(options.isBest ? ["is_best.pth"] : []),
    "checkpoint.pth",
  ];
  const paths = names.map((name) => join(dir, name)) as [string, ...string[]];
  await writeAtomically(paths, (file) => writeTorchArchive(file, toReferenceDict(state)));
  await rotate(dir, state.epoch, options.keep);
  return paths;
}

/**
 * Writes `model.pth`, the state at the end of a run.
 *
 * @returns its path.
 * @throws {CheckpointError} when it cannot be written.
 */
export async function saveFinalModel(dir: string, state: TrainingState): Promise<string> {
  const path = join(dir, "model.pth");
  await writeTorchFile(path, toReferenceDict(state));
  return path;
}

/**
 * Writes weights without a run: a `.pth` file that `predict` and the setting `init` take, and that holds a `state_dict`
 * for PyTorch.
 *
 * @param settings null: the file holds the plain `state_dict`.
 * @param calibration stands beside the weights, under the key `calibration`
 * @throws {CheckpointError} when it cannot be written.
 */
export async function saveWeights(
  path: string,
  model: ReadonlyMap<string, StateTensor>,
  settings: NetworkSettings | null,
  calibration: TorchDict | null = null,
): Promise<void> {
  await writeTorchFile(path, toWeightsDict(model, settings, calibration));
}

/** What becomes of checkpoints that are not whole. */
export interface LoadNewestOptions {
  /** Told of each file that cannot be used, in one line that names it. */
  readonly onDamaged?: (message: string) => void;
  /**
   * Renames such files to `<name>.damaged`, so that the next save does not overwrite them. For the process that writes
   * the folder.
   */
  readonly setAside?: boolean;
}

/**
 * The newest checkpoint of a run folder that is whole: `checkpoint.pth`, else the last `checkpoint-<epoch>.pth`, and so on
 * down to `is_best.pth`.
 *
 * @returns null when the folder holds none of them.
 * @throws {CheckpointError} when it holds some and none is whole, so that no run starts over by mistake.
 */
export async function loadNewestCheckpoint(
  dir: string,
  options: LoadNewestOptions = {},
): Promise<LoadedCheckpoint | null> {
  const failures: CheckpointError[] = [];
  for (const name of await checkpointNames(dir)) {
    const path = join(dir, name);
    try {
      return await loadCheckpointFile(path);
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
      failures.push(error);
      // A file that could not be opened is not known to be damaged.
      const aside = options.setAside && !isSystemError(error.cause) ? await setAside(path) : null;
      options.onDamaged?.(error.message + (aside === null ? "" : `; kept as "${aside}"`));
    }
  }
  const [first] = failures;
  if (first === undefined) return null;
  const others = failures.length > 1 ? ` (and ${failures.length - 1} more)` : "";
  throw new CheckpointError(`${first.message}${others}; no checkpoint in "${dir}" is whole`, dir, { cause: first });
}

/**
 * Reads a `.pth` file: a checkpoint of ours or of the reference program, or a plain `state_dict`.
 *
 * @throws {CheckpointError} when it is missing, damaged, or holds no weights.
 */
export async function loadCheckpointFile(path: string): Promise<LoadedCheckpoint> {
  const { value, verified } = await loadTorchFile(path);
  try {
    return { path, verified, ...fromTorchValue(value) };
  } catch (cause) {
    throw loadError(path, cause);
  }
}

const NUMBERED = /^checkpoint-(\d+)\.pth$/;

/** Names of the checkpoints in `dir`, the one to try first in front. */
async function checkpointNames(dir: string): Promise<string[]> {
  const names = new Set(await list(dir));
  const numbered = epochsOf(names).map((epoch) => `checkpoint-${epoch}.pth`);
  return ["checkpoint.pth", ...numbered, "is_best.pth"].filter((name) => names.has(name));
}

/** Removes the numbered checkpoints that are no longer among the last `keep`; those after `epoch` are left alone. */
async function rotate(dir: string, epoch: number, keep: number): Promise<void> {
  const past = epochsOf(await list(dir)).filter((other) => other <= epoch);
  for (const old of past.slice(keep)) await fs.rm(join(dir, `checkpoint-${old}.pth`), { force: true });
}

/** The epochs of the numbered checkpoints among `names`, the last first. */
function epochsOf(names: Iterable<string>): number[] {
  const epochs = [...names].flatMap((name) => NUMBERED.exec(name)?.[1] ?? []).map(Number);
  return epochs.sort((a, b) => b - a);
}

async function list(dir: string): Promise<string[]> {
  try {
    return await fs.readdir(dir);
  } catch (cause) {
    throw new CheckpointError(`Cannot read run folder "${dir}": ${describeIoError(cause)}`, dir, { cause });
  }
}

/** Renames a damaged file to a free name beside it; null where the folder does not allow that. */
async function setAside(path: string): Promise<string | null> {
  const taken = new Set(await list(dirname(path)));
  let aside = `${path}.damaged`;
  for (let count = 2; taken.has(basename(aside)); count++) aside = `${path}.damaged-${count}`;
  try {
    await fs.rename(path, aside);
    return aside;
  } catch {
    return null;
  }
}
