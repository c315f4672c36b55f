/**
 * The dict in a checkpoint: the reference program's six keys, shaped as `Module.state_dict()`, `Adam.state_dict()` and
 * `OneCycleLR.state_dict()` of PyTorch 2 shape them, and `asterolab` with what exact resume needs besides.
 */

import { parseConfig } from "../config";
import { version } from "../version";
import { DictReader } from "./dict-reader";
import { adamFromDict, adamToDict, oneCycleFromDict, oneCycleToDict } from "./torch-optimizer";
import { type TorchDict, TorchFloat, TorchTensor, type TorchValue } from "./torch-values";
import type { LoadedCheckpoint, OptimizerState, StateTensor, TrainingState } from "./training-state";

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
    return {
      model: weightsFromDict(value),
      epoch: null,
      trainLoss: null,
      valLoss: null,
      optimizer: null,
      scheduler: null,
      state: null,
    };
  }
  const dict = new DictReader(value, "");
  const model = weightsFromDict(weights);
  const isOurs = dict.has("asterolab");
  const optional = <T>(read: () => T): T | null => (isOurs ? read() : maybe(read));
  const contents = {
    model,
    epoch: optional(() => dict.integer("epoch")),
    trainLoss: optional(() => dict.maybeNumber("train_loss")),
    valLoss: optional(() => dict.maybeNumber("val_loss")),
    optimizer: optional(() => adamFromDict(dict.readerAt("optimizer_state_dict"), model)),
    scheduler: optional(() => (value.get("scheduler_state_dict") === null ? null : oneCycleFromDict(dict))),
  };
  if (!isOurs) return { ...contents, state: null };
  const resume = resumeFromDict(dict.readerAt("asterolab"));
  const optimizer = contents.optimizer as OptimizerState;
  return { ...contents, state: { ...contents, optimizer, epoch: dict.integer("epoch"), ...resume } };
}

type Resume = Omit<TrainingState, "model" | "optimizer" | "scheduler" | "epoch" | "trainLoss" | "valLoss">;

function resumeToDict(state: TrainingState): TorchDict {
  return new Map<string, TorchValue>([
    ["format_version", FORMAT_VERSION],
    ["asterolab_version", version],
    ["step", state.step],
    ["data_epoch", state.dataPosition.epoch],
    ["data_start", state.dataPosition.start],
    ["best_val_loss", maybeFloat(state.best.valLoss)],
    ["best_epoch", state.best.epoch],
    ["epochs_without_improvement", state.epochsWithoutImprovement],
    ["sums", new Map(Object.entries(state.sums).map(([name, sum]) => [name, new TorchFloat(sum)]))],
    ["seed", state.seed],
    ["points", state.points],
    ["config", JSON.stringify(state.config)],
    ["fingerprint", state.fingerprint],
    ["world_size", state.worldSize],
  ]);
}

function resumeFromDict(dict: DictReader): Resume {
  const formatVersion = dict.integer("format_version");
  if (formatVersion > FORMAT_VERSION) {
    throw new Error(
      `Asterolab ${dict.text("asterolab_version")} wrote it in format ${formatVersion}, this version reads format ${FORMAT_VERSION}: update Asterolab`,
    );
  }
  return {
    step: dict.integer("step"),
    dataPosition: { epoch: dict.integer("data_epoch"), start: dict.integer("data_start") },
    best: { valLoss: dict.maybeNumber("best_val_loss"), epoch: dict.maybeNumber("best_epoch") },
    epochsWithoutImprovement: dict.integer("epochs_without_improvement"),
    sums: dict.readerAt("sums").allNumbers(),
    seed: dict.integer("seed"),
    points: dict.integer("points"),
    // Settings that came after the checkpoint take their defaults.
    config: parseConfig("default", JSON.parse(dict.text("config"))),
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
    if (value.dtype !== "float32" && value.dtype !== "float64") {
      throw new Error(`${name} has element type ${value.dtype}, expected a float type`);
    }
    model.set(name, { shape: value.shape, data: Float32Array.from(value.data as Float32Array | Float64Array) });
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
