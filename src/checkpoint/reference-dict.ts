/**
 * The dict in a checkpoint: the reference program's six keys, shaped as `Module.state_dict()`, `Adam.state_dict()` and
 * `OneCycleLR.state_dict()` of PyTorch 2 shape them, and `asterolab` with what exact resume needs besides.
 */

import { type ConfigSpec, parseConfig } from "../config";
import { parseJson } from "../json";
import { version } from "../version";
import { DictReader } from "./dict-reader";
import { narrowed } from "./tensor-views";
import { adamFromDict, adamToDict, oneCycleFromDict, oneCycleToDict } from "./torch-optimizer";
import { type TorchDict, TorchFloat, TorchTensor, type TorchValue } from "./torch-values";
import type { LoadedCheckpoint, NetworkSettings, OptimizerState, StateTensor, TrainingState } from "./training-state";

/** The layout of the key `asterolab`; a reader refuses later ones. */
const FORMAT_VERSION = 1;

/** The dict that a checkpoint of `state` holds; tensors share the state's memory. */
export function toReferenceDict(state: TrainingState): TorchDict {
  return new Map<string, TorchValue>([
    ["epoch", state.epoch],
    ["optimizer_state_dict", adamToDict(state.optimizer, state.model, state.scheduler)],
    ["train_loss", maybeFloat(state.trainLoss)],
    ["val_loss", maybeFloat(state.valLoss)],
    ["model_state_dict", weightsToDict(state.model)],
    ["scheduler_state_dict", state.scheduler && oneCycleToDict(state.scheduler, state.optimizer.learningRate)],
    ["asterolab", resumeToDict(state)],
  ]);
}

/** The dict of weights without a run: a plain `state_dict`, or one with the settings and a calibration beside it. */
export function toWeightsDict(
  model: ReadonlyMap<string, StateTensor>,
  settings: NetworkSettings | null,
  calibration: TorchDict | null = null,
): TorchDict {
  const weights = weightsToDict(model);
  if (settings === null) return weights;
  return new Map<string, TorchValue>([
    ["model_state_dict", weights],
    ["asterolab", new Map<string, TorchValue>([...headToDict("weights"), ...settingsToDict(settings)])],
    ...(calibration === null ? [] : [["calibration", calibration] as const]),
  ]);
}

/**
 * What a checkpoint's value holds: ours, the reference program's dict, or a plain `state_dict`.
 *
 * @throws {Error} when it holds no weights, weights that are not float tensors, or an `asterolab` part that is incomplete
 * or of a later version.
 */
export function fromTorchValue(value: TorchValue): Omit<LoadedCheckpoint, "path" | "verified"> {
  if (!(value instanceof Map)) throw new Error("it holds no dict, expected a state_dict or a checkpoint");
  const weights = value.get("model_state_dict");
  if (!(weights instanceof Map)) {
    return { ...NO_RUN, model: weightsFromDict(value), settings: null };
  }
  const dict = new DictReader(value, "");
  const model = weightsFromDict(weights);
  const ours = dict.has("asterolab") ? readerOfOurs(dict.readerAt("asterolab")) : null;
  if (ours?.has("content")) {
    const calibration = dict.has("calibration") ? dict.dictAt("calibration") : null;
    return { ...NO_RUN, model, settings: settingsFromDict(ours), calibration };
  }
  const isOurs = ours !== null;
  const optional = <T>(read: () => T): T | null => (isOurs ? read() : maybe(read));
  const contents = {
    model,
    epoch: optional(() => dict.integer("epoch")),
    trainLoss: optional(() => dict.maybeNumber("train_loss")),
    valLoss: optional(() => dict.maybeNumber("val_loss")),
    optimizer: optional(() => adamFromDict(dict.readerAt("optimizer_state_dict"), model)),
    scheduler: optional(() => (value.get("scheduler_state_dict") === null ? null : oneCycleFromDict(dict))),
  };
  if (!isOurs) return { ...contents, settings: null, state: null, calibration: null };
  const settings = settingsFromDict(ours);
  const resume = { ...resumeFromDict(ours), ...settings };
  const optimizer = contents.optimizer as OptimizerState;
  const state = { ...contents, optimizer, epoch: dict.integer("epoch"), ...resume };
  return { ...contents, settings, state, calibration: null };
}

const NO_RUN = {
  epoch: null,
  trainLoss: null,
  valLoss: null,
  optimizer: null,
  scheduler: null,
  state: null,
  calibration: null,
};

type Resume = Omit<
  TrainingState,
  "model" | "optimizer" | "scheduler" | "epoch" | "trainLoss" | "valLoss" | keyof NetworkSettings
>;

/** First entries of the key `asterolab`; `content` where it is less than a run. */
function headToDict(content: "weights" | null): [string, TorchValue][] {
  return [
    ["format_version", FORMAT_VERSION],
    ["asterolab_version", version],
    ...(content === null ? [] : [["content", content] as [string, TorchValue]]),
  ];
}

/** @throws {Error} when a later version wrote it. */
function readerOfOurs(dict: DictReader): DictReader {
  const formatVersion = dict.integer("format_version");
  if (formatVersion > FORMAT_VERSION) {
    throw new Error(
      `Asterolab ${dict.text("asterolab_version")} wrote it in format ${formatVersion}, this version reads format ${FORMAT_VERSION}: update Asterolab`,
    );
  }
  return dict;
}

function settingsToDict({ config, points }: NetworkSettings): [string, TorchValue][] {
  return [
    ["points", points],
    ["config", JSON.stringify(config)],
  ];
}

function settingsFromDict(dict: DictReader): NetworkSettings {
  // Settings that came after the checkpoint take their defaults.
  return {
    points: dict.integer("points"),
    config: parseConfig("default", parseJson(dict.text("config")) as ConfigSpec),
  };
}

function resumeToDict(state: TrainingState): TorchDict {
  return new Map<string, TorchValue>([
    ...headToDict(null),
    ["step", state.step],
    ["data_epoch", state.dataPosition.epoch],
    ["data_start", state.dataPosition.start],
    ["best_val_loss", maybeFloat(state.best.valLoss)],
    ["best_epoch", state.best.epoch],
    ["epochs_without_improvement", state.epochsWithoutImprovement],
    ["sums", new Map(Object.entries(state.sums).map(([name, sum]) => [name, new TorchFloat(sum)]))],
    ["seed", state.seed],
    ...settingsToDict(state),
    ["fingerprint", state.fingerprint],
    ["world_size", state.worldSize],
  ]);
}

function resumeFromDict(dict: DictReader): Resume {
  return {
    step: dict.integer("step"),
    dataPosition: { epoch: dict.integer("data_epoch"), start: dict.integer("data_start") },
    best: { valLoss: dict.maybeNumber("best_val_loss"), epoch: dict.maybeNumber("best_epoch") },
    epochsWithoutImprovement: dict.integer("epochs_without_improvement"),
    sums: dict.readerAt("sums").allNumbers(),
    seed: dict.integer("seed"),
    fingerprint: dict.text("fingerprint"),
    worldSize: dict.integer("world_size"),
  };
}

function weightsToDict(model: ReadonlyMap<string, StateTensor>): TorchDict {
  return new Map([...model].map(([name, { shape, data }]) => [name, new TorchTensor("float32", shape, data)]));
}

function weightsFromDict(dict: TorchDict): Map<string, StateTensor> {
  const model = new Map<string, StateTensor>();
  for (const [key, value] of dict) {
    const name = String(key).replace(/^module\./, "");
    if (!(value instanceof TorchTensor)) {
      throw new Error(`"${key}" is no tensor; expected a state_dict of tensors, or a dict with model_state_dict`);
    }
    const { dtype, shape, data } = value;
    if (!(data instanceof Float32Array || data instanceof Float64Array)) {
      throw new Error(`${name} has element type ${dtype}, expected a float type`);
    }
    model.set(name, { shape, data: narrowed(data) });
  }
  if (model.size === 0) throw new Error("it holds no weights");
  return model;
}

function maybeFloat(value: number | null): TorchFloat | null {
  return value === null ? null : new TorchFloat(value);
}

/** What `read` gives, or null where a file of another program does not hold it in the form known here. */
function maybe<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
