/** From a `.pth` file to a network: the settings are those stored with the weights, or are read off their shapes. */

import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { type LoadedCheckpoint, loadCheckpointFile, type StateTensor } from "../checkpoint";
import { type Config, parseConfig } from "../config";
import { POINTS } from "../data/grid";
import { HEAD_NAMES } from "../data/parameters";
import { CheckpointError } from "../errors";
import { createModel } from "./create-model";
import type { Model } from "./model";
import { sequenceLength } from "./parameters";

/** A network with its weights and what belongs to them. */
export interface TrainedModel {
  readonly model: Model;
  readonly config: Config;
  /** The file that the weights come from. */
  readonly path: string;
  readonly checkpoint: LoadedCheckpoint;
}

/**
 * Loads a trained network on the current engine. Of a run folder, that is `is_best.pth`, else `model.pth`, else
 * `checkpoint.pth`. Weights without Asterolab's settings, such as those of the reference program, are taken for a network
 * trained with the reference preset.
 *
 * @throws {CheckpointError} when there is no such file, it is damaged, or its weights form no network of this kind.
 */
export async function loadModel(path: string): Promise<TrainedModel> {
  const file = modelFileOf(path);
  const checkpoint = await loadCheckpointFile(file);
  const { config, points } = checkpoint.state ?? settingsOfWeights(checkpoint.model, file);
  const model = createModel(config, points);
  try {
    model.loadStateDict(checkpoint.model, file);
  } catch (error) {
    model.dispose();
    throw error;
  }
  return { model, config, path: file, checkpoint };
}

/** The `.pth` file meant by a file or a run folder. @throws {CheckpointError} when there is none. */
export function modelFileOf(path: string): string {
  if (!existsSync(path)) {
    throw new CheckpointError(`Cannot load a network from "${path}": no such file or folder`, path);
  }
  if (!statSync(path).isDirectory()) return path;
  const file = ["is_best.pth", "model.pth", "checkpoint.pth"].map((name) => join(path, name)).find(existsSync);
  if (file !== undefined) return file;
  throw new CheckpointError(
    `Cannot load a network from "${path}": the folder holds none of is_best.pth, model.pth and checkpoint.pth`,
    path,
  );
}

function settingsOfWeights(
  weights: ReadonlyMap<string, StateTensor>,
  path: string,
): { config: Config; points: number } {
  const sizeOf = (name: string, axis: number): number => {
    const size = weights.get(name)?.shape[axis];
    if (size === undefined) throw new CheckpointError(`Cannot load checkpoint "${path}": ${name} is missing`, path);
    return size;
  };
  const filters: number[] = [];
  while (weights.has(`conv${filters.length + 1}.weight`)) filters.push(sizeOf(`conv${filters.length + 1}.weight`, 0));
  const config = parseConfig("reference", {
    filters,
    kernel_size: sizeOf("conv1.weight", 2),
    lstm_units: [sizeOf("lstm1.weight_hh_l0", 1), sizeOf("lstm2.weight_hh_l0", 1)],
    dense_units: sizeOf("linear.weight", 0),
    heads: HEAD_NAMES.filter((head) => weights.has(`linear_${head}.weight`)),
  });
  const expected = sequenceLength(POINTS, filters.length) * config.lstm_units[1]!;
  const inputs = sizeOf("linear.weight", 1);
  if (inputs !== expected) {
    throw new CheckpointError(
      `Cannot load checkpoint "${path}": it does not say for how many points it was trained, and linear.weight has ` +
        `${inputs} inputs, expected ${expected} as for ${POINTS} points`,
      path,
    );
  }
  return { config, points: POINTS };
}
