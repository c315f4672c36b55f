/** From settings to a network. */

import type { Config } from "../config";
import { classCounts, resolveClassEdges } from "../data/classes";
import { inputPoints } from "../data/prepare-spectrum";
import { HEAD_OUTPUT } from "./loss";
import { Model, type ModelOptions, specsOf } from "./model";
import { checkState, type ParameterValues } from "./state";

/**
 * The network of a config for spectra of `points` bins, with its initial parameters.
 *
 * @throws {ConfigError} when class edges do not ascend.
 */
export function createModel(config: Config, points: number): Model {
  return new Model(optionsOf(config, points));
}

/**
 * The same network with the parameters of a file; a file that only claims to hold a network costs no memory.
 *
 * @param source names the file in errors.
 * @throws {ConfigError} when class edges do not ascend.
 * @throws {CheckpointError} naming the first parameter that is missing, unknown or of another shape, and how many are.
 */
export function createModelWith(
  config: Config,
  points: number,
  state: ReadonlyMap<string, ParameterValues>,
  source: string,
): Model {
  const options = optionsOf(config, points);
  checkState(state, specsOf(options), source);
  const model = new Model(options);
  model.loadStateDict(state, source);
  return model;
}

function optionsOf(config: Config, points: number): ModelOptions {
  return {
    classes: classCounts(resolveClassEdges(config.heads, config.edges)),
    shape: inputPoints(points, config.rebin),
    filters: config.filters,
    kernelSize: config.kernel_size,
    lstmUnits: config.lstm_units,
    denseUnits: config.dense_units,
    summary: config.summary,
    dropout: config.dropout,
    posEnc: config.pos_enc,
    outputs: HEAD_OUTPUT[config.loss],
    seed: config.seed,
  };
}
