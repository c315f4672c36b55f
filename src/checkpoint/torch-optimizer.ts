/** The state of Adam and of the one-cycle schedule, as `torch.optim` shapes it (checked against PyTorch 2.13). */

import { DictReader, plainNumber } from "./dict-reader";
import { narrowed } from "./tensor-views";
import {
  elementCount,
  formatShape,
  type TorchDict,
  TorchFloat,
  TorchTensor,
  TorchTuple,
  type TorchValue,
} from "./torch-values";
import type { OneCycleState, OptimizerState, StateTensor } from "./training-state";

type Weights = ReadonlyMap<string, StateTensor>;

/**
 * `Adam.state_dict()`: moments by the parameter's place in the network, settings in one parameter group.
 *
 * @param schedule adds the settings that `OneCycleLR` keeps in the group.
 */
export function adamToDict(optimizer: OptimizerState, model: Weights, schedule: OneCycleState | null): TorchDict {
  const { step, learningRate, beta1, beta2, epsilon } = optimizer;
  const state: TorchDict = new Map();
  [...model].forEach(([name, { shape }], index) => {
    const tensor = (moments: ReadonlyMap<string, Float32Array>): TorchTensor =>
      new TorchTensor("float32", shape, momentsOf(name, moments));
    const entry: TorchDict = new Map<string, TorchValue>([
      // An array for each parameter: PyTorch counts them up in place, one by one.
      ["step", new TorchTensor("float32", [], Float32Array.of(step))],
      ["exp_avg", tensor(optimizer.firstMoments)],
      ["exp_avg_sq", tensor(optimizer.secondMoments)],
    ]);
    // Before its first update, Adam has no state.
    if (step > 0) state.set(index, entry);
  });
  const group: TorchDict = new Map<string, TorchValue>([
    ["lr", new TorchFloat(learningRate)],
    ["betas", new TorchTuple([new TorchFloat(beta1), new TorchFloat(beta2)])],
    ["eps", new TorchFloat(epsilon)],
    ["weight_decay", 0],
    ["amsgrad", false],
    ["maximize", false],
    ["foreach", null],
    ["capturable", false],
    ["differentiable", false],
    ["fused", null],
    ["decoupled_weight_decay", false],
    ...(schedule === null ? [] : groupSettings(withDefaults(schedule))),
    ["params", [...model.keys()].map((_, index) => index)],
  ]);
  return new Map<string, TorchValue>([
    ["state", state],
    ["param_groups", [group]],
  ]);
}

/**
 * Adam's state over the parameters of `model`, in their order.
 *
 * @param dict a reader of an `Adam.state_dict()`.
 * @throws {Error} when it is another optimizer's, or its moments do not fit the parameters.
 */
export function adamFromDict(dict: DictReader, model: Weights): OptimizerState {
  const [first] = dict.list("param_groups");
  if (!(first instanceof Map)) throw new Error("optimizer_state_dict.param_groups holds no dict");
  const group = new DictReader(first, "optimizer_state_dict.param_groups");
  const betas = group.list("betas").map(plainNumber);
  const names = [...model.keys()];
  const states = dict.dictAt("state");
  const firstMoments = new Map<string, Float32Array>();
  const secondMoments = new Map<string, Float32Array>();
  // One array for all: a file may let thousands of parameters share their memory.
  const longest = [...model.values()].reduce((most, { data }) => Math.max(most, data.length), 0);
  const zeros = new Float32Array(longest);
  let step = 0;
  names.forEach((name, index) => {
    const { shape } = model.get(name)!;
    if (!states.has(index)) {
      // No update has reached this parameter yet.
      firstMoments.set(name, zeros.subarray(0, elementCount(shape)));
      secondMoments.set(name, zeros.subarray(0, elementCount(shape)));
      return;
    }
    const state = dict.readerAt("state").readerAt(index);
    step = Math.max(step, state.number("step"));
    firstMoments.set(name, float32Of(state.tensor("exp_avg"), shape, name));
    secondMoments.set(name, float32Of(state.tensor("exp_avg_sq"), shape, name));
  });
  return {
    step,
    firstMoments,
    secondMoments,
    learningRate: group.number("lr"),
    beta1: betas[0] ?? Number.NaN,
    beta2: betas[1] ?? Number.NaN,
    epsilon: group.number("eps"),
  };
}

/**
 * `OneCycleLR.state_dict()`.
 *
 * @param learningRate the current one.
 */
export function oneCycleToDict(schedule: OneCycleState, learningRate: number): TorchDict {
  const { step, totalSteps, initialLearningRate, risingFraction } = withDefaults(schedule);
  const phase = (
    end: TorchValue,
    [startLr, endLr]: [string, string],
    [startBeta, endBeta]: [string, string],
  ): TorchDict =>
    new Map<string, TorchValue>([
      ["end_step", end],
      ["start_lr", startLr],
      ["end_lr", endLr],
      ["start_momentum", startBeta],
      ["end_momentum", endBeta],
    ]);
  return new Map<string, TorchValue>([
    ["total_steps", totalSteps],
    [
      "_schedule_phases",
      [
        phase(
          new TorchFloat(risingFraction * totalSteps - 1),
          ["initial_lr", "max_lr"],
          ["max_momentum", "base_momentum"],
        ),
        phase(totalSteps - 1, ["max_lr", "min_lr"], ["base_momentum", "max_momentum"]),
      ],
    ],
    ["_anneal_func_type", "cos"],
    ["cycle_momentum", true],
    ["use_beta1", true],
    ["base_lrs", [new TorchFloat(initialLearningRate)]],
    ["last_epoch", step],
    ["_step_count", step + 1],
    ["_is_initial", false],
    ["_get_lr_called_within_step", false],
    ["_last_lr", [new TorchFloat(learningRate)]],
  ]);
}

/**
 * The schedule of a checkpoint; its learning rates and betas are kept in the optimizer's parameter group.
 *
 * @param dict a reader of the checkpoint.
 * @throws {Error} when it is another schedule's.
 */
export function oneCycleFromDict(dict: DictReader): OneCycleState {
  const schedule = dict.readerAt("scheduler_state_dict");
  const [first] = dict.readerAt("optimizer_state_dict").list("param_groups");
  const [rising, falling, ...more] = schedule.list("_schedule_phases");
  const isCosine = !schedule.has("_anneal_func_type") || schedule.text("_anneal_func_type") === "cos";
  if (!(first instanceof Map && rising instanceof Map && falling instanceof Map) || more.length > 0 || !isCosine) {
    throw new Error("scheduler_state_dict is no one-cycle schedule of two cosine phases");
  }
  const group = new DictReader(first, "optimizer_state_dict.param_groups");
  const totalSteps = schedule.integer("total_steps");
  const risingEnd = new DictReader(rising, "scheduler_state_dict._schedule_phases").number("end_step");
  return {
    step: schedule.integer("last_epoch"),
    totalSteps,
    maxLearningRate: group.number("max_lr"),
    initialLearningRate: group.number("initial_lr"),
    finalLearningRate: group.number("min_lr"),
    risingFraction: (risingEnd + 1) / totalSteps,
    minBeta1: group.number("base_momentum"),
    maxBeta1: group.number("max_momentum"),
  };
}

function withDefaults(schedule: OneCycleState): Required<OneCycleState> {
  const initialLearningRate = schedule.initialLearningRate ?? schedule.maxLearningRate / 25;
  return {
    risingFraction: 0.3,
    minBeta1: 0.85,
    maxBeta1: 0.95,
    finalLearningRate: initialLearningRate / 1e4,
    ...schedule,
    initialLearningRate,
  };
}

function groupSettings(schedule: Required<OneCycleState>): [string, TorchValue][] {
  return [
    ["initial_lr", new TorchFloat(schedule.initialLearningRate)],
    ["max_lr", new TorchFloat(schedule.maxLearningRate)],
    ["min_lr", new TorchFloat(schedule.finalLearningRate)],
    ["max_momentum", new TorchFloat(schedule.maxBeta1)],
    ["base_momentum", new TorchFloat(schedule.minBeta1)],
  ];
}

function momentsOf(name: string, moments: ReadonlyMap<string, Float32Array>): Float32Array {
  const values = moments.get(name);
  if (values === undefined) throw new RangeError(`Cannot write the optimizer: ${name} has no moments`);
  return values;
}

function float32Of(tensor: TorchTensor, shape: readonly number[], name: string): Float32Array {
  if (formatShape(tensor.shape) !== formatShape(shape)) {
    throw new Error(
      `Adam's moments of ${name} have shape ${formatShape(tensor.shape)}, expected ${formatShape(shape)}`,
    );
  }
  const { data } = tensor;
  if (data instanceof Float32Array || data instanceof Float64Array) return narrowed(data);
  throw new Error(`Adam's moments of ${name} have element type ${tensor.dtype}, expected a float type`);
}
