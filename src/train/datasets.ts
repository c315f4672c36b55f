/** The spectra of a run: those it learns from and those that are held out. */

import type { Config } from "../config";
import { Dataset, type DatasetOptions } from "../data/dataset";
import { maybeReadManifest } from "../data/manifest";

/**
 * The training split; all shards when validation spectra come from elsewhere and no `dataset.json` says otherwise.
 *
 * @throws {DataError} when the folder or a shard cannot be used, no row is left, or a head has no labels.
 */
export function openTraining(config: Config): Promise<Dataset> {
  const validationShards = config.validation.data_dir === null ? config.validation.shards : 0;
  return Dataset.open(config.data_dir, { ...rowOptions(config), split: "train", validationShards });
}

/**
 * The held-out spectra: those of `validation.data_dir`, or the validation split of `data_dir`.
 *
 * @throws {DataError} as {@link openTraining}, or when spectra have another length than `points`.
 */
export async function openValidation(config: Config, points: number): Promise<Dataset> {
  const { data_dir: folder, shards } = config.validation;
  if (folder !== null) return openForValidation(folder, config, points);
  return Dataset.open(config.data_dir, {
    ...rowOptions(config),
    split: "validation",
    validationShards: shards,
    points,
  });
}

/**
 * Spectra of any folder for measuring a network: its validation split where `dataset.json` names one, else all rows.
 *
 * @throws {DataError} as {@link openValidation}.
 */
export async function openForValidation(folder: string, config: Config, points: number): Promise<Dataset> {
  const manifest = await maybeReadManifest(folder);
  const isSplit = manifest?.shards.some(({ split }) => split === "validation") ?? false;
  return Dataset.open(folder, { ...rowOptions(config), split: isSplit ? "validation" : "all", points });
}

function rowOptions(config: Config): Omit<DatasetOptions, "split"> {
  return {
    heads: config.heads,
    edges: config.edges,
    filter: config.filter,
    rowsPerShard: config.rows_per_shard,
    outOfRange: config.out_of_range,
    normalize: config.normalize,
  };
}
