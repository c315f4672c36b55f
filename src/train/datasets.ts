/** The spectra of a run: those it learns from and those that are held out. */

import type { Config, SimulateConfig } from "../config";
import { resolveClassEdges } from "../data/classes";
import { Dataset, type DatasetOptions } from "../data/dataset";
import { maybeReadManifest } from "../data/manifest";
import type { SpectrumSource } from "../data/source";
import { SimulatedSource } from "../simulate/simulated-source";

/**
 * The training split; all shards when validation spectra come from elsewhere and no `dataset.json` says otherwise.
 *
 * @throws {DataError} when the folder or a shard cannot be used, no row is left, or a head has no labels.
 */
export async function openTraining(config: Config): Promise<SpectrumSource> {
  if (config.simulate !== null) return simulated(config, config.simulate, "training");
  const validationShards = config.validation.data_dir === null ? config.validation.shards : 0;
  return Dataset.open(config.data_dir, { ...rowOptions(config), split: "train", validationShards });
}

/**
 * The held-out spectra: those of `validation.data_dir`, or the validation split of `data_dir`.
 *
 * @throws {DataError} as {@link openTraining}, or when spectra have another length than `points`.
 */
export async function openValidation(config: Config, points: number): Promise<SpectrumSource> {
  const { data_dir: folder, shards } = config.validation;
  if (folder !== null) return openForValidation(folder, config, points);
  if (config.simulate !== null) return simulated(config, config.simulate, "validation");
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

/** Held-out stars come from a seed of their own. */
function simulated(config: Config, settings: SimulateConfig, split: "training" | "validation"): SimulatedSource {
  const isFixed = split === "validation";
  return new SimulatedSource({
    seed: isFixed ? config.seed + VALIDATION_SEED : config.seed,
    prior: settings.prior,
    observation: { days: settings.days, gaps: settings.gaps },
    preparation: { normalize: config.normalize, rebin: config.rebin },
    filter: config.filter,
    classEdges: resolveClassEdges(config.heads, config.edges),
    rows: isFixed ? settings.validation_spectra : settings.spectra,
    isFixed,
    workers: settings.workers,
  });
}

/** Far from the seeds that people choose. */
const VALIDATION_SEED = 0x40000000;

function rowOptions(config: Config): Omit<DatasetOptions, "split"> {
  return {
    heads: config.heads,
    edges: config.edges,
    filter: config.filter,
    rowsPerShard: config.rows_per_shard,
    outOfRange: config.out_of_range,
    normalize: config.normalize,
    rebin: config.rebin,
  };
}
