/** A run folder or a `.pth` file -> the network with its weights, its settings and its class edges. */

import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { type LoadedCheckpoint, loadCheckpointFile, type NetworkSettings, type StateTensor } from "../checkpoint";
import { type Config, parseConfig } from "../config";
import { type ClassEdges, resolveClassEdges } from "../data/classes";
import { POINTS } from "../data/grid";
import { isHeadName } from "../data/parameters";
import { CheckpointError, CliError } from "../errors";
import { createModelWith } from "../model/create-model";
import type { Model } from "../model/model";
import { sequenceLength } from "../model/parameters";
import type { Calibration } from "./calibrated";
import { calibrationFromDict } from "./model-file";

/** The checkpoints of a run folder that a network is taken from, the best first. */
const PREFERRED_FILES = ["is_best.pth", "model.pth", "checkpoint.pth"];

/** A trained network with what it was trained as. */
export interface OpenedModel {
  readonly model: Model;
  readonly config: Config;
  readonly classEdges: ClassEdges;
  /** Powers per spectrum. */
  readonly points: number;
  readonly checkpoint: LoadedCheckpoint;
  /** null for a file without one. */
  readonly calibration: Calibration | null;
}

/**
 * Opens a trained network on the current tfjs backend: of a run folder the one with the lowest validation loss
 * (`is_best.pth`), else the last (`model.pth`, `checkpoint.pth`).
 *
 * A file of another program holds no settings: they are read off the shapes of its weights, the class edges are the
 * table's, and powers are taken as they are, as the original program does.
 *
 * @throws {CliError} when there is no such file or folder, or a folder holds no checkpoint.
 * @throws {CheckpointError} when the file is damaged or its weights make no network of this kind.
 */
export async function openModel(path: string): Promise<OpenedModel> {
  const file = checkpointOf(path);
  const checkpoint = await loadCheckpointFile(file);
  const { config, points } = checkpoint.settings ?? settingsOfWeights(checkpoint.model, file);
  const classEdges = resolveClassEdges(config.heads, config.edges);
  const calibration = checkpoint.calibration && calibrationFromDict(checkpoint.calibration, classEdges, file);
  const model = createModelWith(config, points, checkpoint.model, file);
  return { model, config, points, classEdges, checkpoint, calibration };
}

function checkpointOf(path: string): string {
  if (!existsSync(path)) {
    throw new CliError(`Cannot open model "${path}": no such file or folder; expected a run folder or a .pth file`);
  }
  if (!statSync(path).isDirectory()) return path;
  const found = PREFERRED_FILES.map((name) => join(path, name)).find((file) => existsSync(file));
  if (found === undefined) {
    throw new CliError(`Cannot open model "${path}": the folder holds none of ${PREFERRED_FILES.join(", ")}`);
  }
  return found;
}

/**
 * The settings of a network without any, read off the shapes of its weights.
 *
 * @param path names the file in errors.
 * @throws {CheckpointError} when the weights make no network of this kind for spectra on the table's grid and classes.
 */
export function settingsOfWeights(weights: ReadonlyMap<string, StateTensor>, path: string): NetworkSettings {
  const shapeOf = (name: string): readonly number[] => {
    const shape = weights.get(name)?.shape;
    if (shape !== undefined) return shape;
    throw new CheckpointError(
      `Cannot load checkpoint "${path}": it has no ${name}, expected a CNN-LSTM-Dense network`,
      path,
    );
  };
  const stages = [...weights.keys()].filter((name) => /^conv\d+\.weight$/.test(name)).length;
  const filters = Array.from({ length: stages }, (_, index) => shapeOf(`conv${index + 1}.weight`)[0]!);
  const lstmUnits = [1, 2].map((index) => shapeOf(`lstm${index}.weight_hh_l0`)[1]!);
  const [denseUnits, inputs] = shapeOf("linear.weight");
  const steps = inputs! / lstmUnits.at(-1)!;
  if (sequenceLength(POINTS, stages) !== steps) {
    throw new CheckpointError(
      `Cannot load checkpoint "${path}": its linear.weight has ${inputs} inputs, expected ` +
        `${sequenceLength(POINTS, stages) * lstmUnits.at(-1)!} for spectra of ${POINTS} points`,
      path,
    );
  }
  const heads = [...weights.keys()]
    .flatMap((name) => /^linear_(\w+)\.weight$/.exec(name)?.[1] ?? [])
    .filter(isHeadName);
  const edges = resolveClassEdges(heads);
  for (const [head, { length }] of edges) {
    const [classes] = shapeOf(`linear_${head}.weight`);
    if (classes === length - 1) continue;
    throw new CheckpointError(
      `Cannot load checkpoint "${path}": linear_${head} has ${classes} classes, expected the ${length - 1} of the table ` +
        "(a file without settings does not say its class edges)",
      path,
    );
  }
  const config = parseConfig("reference", {
    heads,
    filters,
    kernel_size: shapeOf("conv1.weight")[2]!,
    lstm_units: lstmUnits,
    dense_units: denseUnits!,
  });
  return { config, points: POINTS };
}
