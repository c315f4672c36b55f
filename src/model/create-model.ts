/** From settings to a network. */

import type { Config } from "../config";
import { classCounts, resolveClassEdges } from "../data/classes";
import { inputPoints } from "../data/prepare-spectrum";
import { HEAD_OUTPUT } from "./loss";
import { Model } from "./model";

/**
 * The network of a config for spectra of `points` bins, with its initial parameters.
 *
 * @throws {ConfigError} when class edges do not ascend.
 */
export function createModel(config: Config, points: number): Model {
  return new Model({
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
  });
}
