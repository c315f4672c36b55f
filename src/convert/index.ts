/** Weights from one format to another: PyTorch's `.pth`, `.safetensors`, and a tfjs `model.json` for browsers. */

import { extname, resolve } from "node:path";
import {
  loadCheckpointFile,
  type NetworkSettings,
  readSafetensors,
  type StateTensor,
  saveWeights,
  type TorchDict,
  TorchTensor,
  writeSafetensors,
} from "../checkpoint";
import { loadError } from "../checkpoint/load-error";
import { type ConfigSpec, parseConfig } from "../config";
import type { HeadName } from "../data/parameters";
import { inputPoints } from "../data/prepare-spectrum";
import { CliError } from "../errors";
import { parseJson } from "../json";
import { parameterSpecs } from "../model/parameters";
import { checkState } from "../model/state";
import { settingsOfWeights } from "../predict/open-model";
import { calibrationFromJson, calibrationToJson } from "./calibration-json";
import { readTfjsModel, writeTfjsModel } from "./tfjs-model";

/** A network at rest. */
export interface NetworkWeights {
  /** By PyTorch's names, in its layouts. */
  readonly model: ReadonlyMap<string, StateTensor>;
  /** null where the file does not hold them. */
  readonly settings: NetworkSettings | null;
  /** null where the file does not hold one. */
  readonly calibration: TorchDict | null;
}

/**
 * Reads the weights in one file and writes them to another; the names' ends say the formats. Settings and calibration go
 * along, the state of the optimizer does not: a run is restored from its `.pth`.
 *
 * @returns the paths written, and how many parameters they hold.
 * @throws {CliError} when a name ends in none of `.pth`, `.safetensors` and `.json`.
 * @throws {CheckpointError} when the file cannot be used, or holds no network where the other format needs one.
 */
export async function convert(from: string, to: string): Promise<{ paths: string[]; parameterCount: number }> {
  const [{ read }, { write }] = [formatOf(from), formatOf(to)];
  if (resolve(from) === resolve(to)) throw new CliError(`Cannot convert "${from}" into itself: name another file`);
  const weights = await read(from);
  const paths = await write(to, weights, from);
  const parameterCount = [...weights.model.values()].reduce((sum, { data }) => sum + data.length, 0);
  return { paths, parameterCount };
}

interface Format {
  read(path: string): Promise<NetworkWeights>;
  write(path: string, weights: NetworkWeights, source: string): Promise<string[]>;
}

/** Ours in a `.safetensors` file's metadata. */
const SETTINGS_KEY = "asterolab";
const CALIBRATION_KEY = "asterolab_calibration";

const FORMATS: Readonly<Record<string, Format>> = {
  ".pth": {
    read: loadCheckpointFile,
    async write(path, { model, settings, calibration }) {
      await saveWeights(path, model, settings, calibration);
      return [path];
    },
  },
  ".safetensors": {
    read: readWeightsOfSafetensors,
    async write(path, { model, settings, calibration }) {
      const tensors = new Map(
        [...model].map(([name, { shape, data }]) => [name, new TorchTensor("float32", shape, data)]),
      );
      // transformers and others look for "pt"; ours are JSON, as the format's metadata allows texts only.
      const metadata = new Map([["format", "pt"]]);
      if (settings !== null) metadata.set(SETTINGS_KEY, JSON.stringify(settings));
      if (calibration !== null) metadata.set(CALIBRATION_KEY, JSON.stringify(calibrationToJson(calibration)));
      await writeSafetensors(path, { tensors, metadata });
      return [path];
    },
  },
  ".json": {
    read: readTfjsModel,
    write: (path, { model, settings, calibration }, source) => {
      const found = settings ?? settingsOfWeights(model, source);
      return writeTfjsModel(path, { model: checkNetwork(model, found, source), settings: found, calibration });
    },
  },
};

function formatOf(path: string): Format {
  const format = FORMATS[extname(path)];
  if (format !== undefined) return format;
  throw new CliError(`Cannot convert "${path}": expected a name that ends in .pth, .safetensors or .json (tfjs)`);
}

async function readWeightsOfSafetensors(path: string): Promise<NetworkWeights> {
  const { tensors, metadata } = await readSafetensors(path);
  try {
    const model = new Map([...tensors].map(([name, tensor]) => [name, weightOf(name, tensor)]));
    if (model.size === 0) throw new Error("it holds no weights");
    const calibration = metadata.get(CALIBRATION_KEY);
    return {
      model,
      settings: settingsIn(metadata.get(SETTINGS_KEY)),
      calibration: calibration === undefined ? null : calibrationFromJson(parseJson(calibration)),
    };
  } catch (cause) {
    throw loadError(path, cause);
  }
}

function weightOf(name: string, { dtype, shape, data }: TorchTensor): StateTensor {
  if (data instanceof Float32Array) return { shape, data };
  if (data instanceof Float64Array) return { shape, data: Float32Array.from(data) };
  throw new Error(`${name} has element type ${dtype}, expected a float type`);
}

function settingsIn(text: string | undefined): NetworkSettings | null {
  if (text === undefined) return null;
  const { points, config } = parseJson(text) as { points: unknown; config: ConfigSpec };
  if (!Number.isSafeInteger(points)) throw new Error("its settings name no number of points");
  return { points: points as number, config: parseConfig("default", config) };
}

/** The parameters of the network that the settings describe; each head has the outputs that its weights say. */
function checkNetwork(
  model: ReadonlyMap<string, StateTensor>,
  { config, points }: NetworkSettings,
  source: string,
): ReadonlyMap<string, StateTensor> {
  const outputsOf = (head: HeadName): number => model.get(`linear_${head}.weight`)?.shape[0] ?? 0;
  const specs = parameterSpecs({
    shape: inputPoints(points, config.rebin),
    filters: config.filters,
    kernelSize: config.kernel_size,
    lstmUnits: config.lstm_units,
    denseUnits: config.dense_units,
    summaryInputs: 2 * config.summary,
    headOutputs: new Map(config.heads.map((head) => [head, outputsOf(head)])),
  });
  return checkState(model, specs, source);
}
