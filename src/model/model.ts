/**
 * The network: convolution stages, two LSTMs, one trunk shared by all heads, one dense layer per head. Written once on
 * the engine's ops; every parameter keeps PyTorch's name and layout.
 *
 * B batch, L points of a spectrum, C channels, T time steps (what the stages leave of L), H LSTM units, D trunk units.
 */

import type { Tensor, Tensor1D, Tensor2D, Tensor3D, Variable } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import type { HeadName } from "../data/parameters";
import type { Division } from "../engine/division";
import { tapGradient } from "../engine/gradient-tap";
import { convBlock, dense, dropout, logPower, lstm } from "../engine/ops";
import { inFloat32 } from "../engine/precision";
import { initialValues, type ParameterSpec, parameterSpecs, sequenceLength } from "./parameters";
import { positionCode } from "./position-code";
import { checkState, type ModelState, type ParameterValues } from "./state";
import { bandWeights, summaryOf } from "./summary";

/** What a head gives: scores of its classes, a scaled value, or a scaled value with its log variance. */
export type HeadOutput = "classes" | "value" | "gaussian";

/** The sizes of a network. */
export interface ModelOptions {
  /** Number of classes per head, in the heads' order. */
  readonly classes: ReadonlyMap<HeadName, number>;
  /** Points of one spectrum. */
  readonly shape: number;
  /** Output channels of the convolution stages; each divides the length by three. */
  readonly filters: readonly number[];
  readonly kernelSize: number;
  readonly lstmUnits: readonly number[];
  readonly denseUnits: number;
  /** Bands whose power reaches the trunk past the convolutions; default 0: none. */
  readonly summary?: number;
  /** Rate of dropout after the last two stages, after each LSTM and before the trunk. */
  readonly dropout: number;
  readonly posEnc?: boolean;
  readonly outputs?: HeadOutput;
  /** Decides the initial parameters. */
  readonly seed: number;
}

/** Training is what switches dropout on; (seed, step) and the layer name its masks. */
export interface TrainingPass {
  readonly seed: number;
  readonly step: number;
  /** Where `x` starts in the step's batch, when it is a part of it; default 0. */
  readonly firstRow?: number;
  /** How the gradients are summed when `x` may be a part of the step's batch; default: as a batch of its own. */
  readonly division?: Division;
  /** Hears each parameter's gradient as soon as backward has made it. */
  readonly onGradient?: (name: string, gradient: Tensor) => void;
}

export interface ForwardOptions {
  readonly training?: TrainingPass;
  /** Hears what each layer gives, before dropout; the tensors live as long as the call. */
  readonly onLayer?: (name: string, output: Tensor) => void;
}

/** The parameters of a network with these options, before any memory is taken for them. */
export function specsOf(options: ModelOptions): ParameterSpec[] {
  const outputs = { classes: (count: number) => count, value: () => 1, gaussian: () => 2 }[
    options.outputs ?? "classes"
  ];
  const headOutputs = new Map([...options.classes].map(([head, count]) => [head, outputs(count)]));
  return parameterSpecs({ ...options, headOutputs, summaryInputs: 2 * (options.summary ?? 0) });
}

/** The layer that all heads share, as `onLayer` names it. */
export const TRUNK = "linear";

/** Gives a parameter to the ops that use it. */
type Lookup = <T extends Tensor>(name: string) => T;

/** The CNN-LSTM-Dense network on the current tfjs backend; `dispose` it at the end. */
export class Model {
  /** Trainable variables by PyTorch's names, in PyTorch's order. */
  readonly parameters: ReadonlyMap<string, Variable>;
  readonly heads: readonly HeadName[];
  private readonly specs: readonly ParameterSpec[];
  private readonly code: Tensor2D | null; // [T, C]
  private readonly bands: Tensor2D | null; // [bands, L]

  constructor(readonly options: ModelOptions) {
    this.heads = [...options.classes.keys()];
    this.specs = specsOf(options);
    this.parameters = new Map(
      this.specs.map((spec) => [spec.name, tf.tidy(() => tf.variable(initialTensor(spec, options.seed)))]),
    );
    const channels = options.filters.at(-1)!;
    const steps = sequenceLength(options.shape, options.filters.length);
    const bands = options.summary ?? 0;
    this.bands = bands > 0 ? tf.keep(tf.tensor2d(bandWeights(options.shape, bands), [bands, options.shape])) : null;
    this.code = options.posEnc ? tf.keep(tf.tensor2d(positionCode(steps, channels), [steps, channels])) : null;
  }

  /**
   * Evaluates the network.
   *
   * @param x [B, L], positive powers scaled as in training.
   * @returns one [B, classes] per head: logits, to be passed through a softmax; for the regression losses the scaled
   *   value [B, 1], or the scaled value and its log variance [B, 2].
   * @throws RangeError when `x` has another number of points than the network.
   */
  forward(x: Tensor2D, { training, onLayer }: ForwardOptions = {}): Tensor2D[] {
    const { filters, lstmUnits, shape } = this.options;
    const [batch, points] = x.shape;
    if (points !== shape) {
      throw new RangeError(`Cannot evaluate the network: x has shape [${batch}, ${points}], expected [B, ${shape}]`);
    }
    return tf.tidy(() => {
      let layer = 0;
      const drop = <T extends Tensor>(value: T): T =>
        training ? dropout(value, this.options.dropout, { ...training, layer: layer++ }) : value;
      const parameter = this.lookup(training);
      const heard = <T extends Tensor>(name: string, value: T): T => {
        onLayer?.(name, value);
        return value;
      };

      let h: Tensor3D = tf.reshape(heard("log power", logPower(x)), [batch, points, 1]); // [B, L, 1]
      for (let stage = 1; stage <= filters.length; stage++) {
        h = heard(`conv${stage}`, stageOf(parameter, stage, h)); // [B, L / 3^stage, C]
        if (stage > filters.length - 2) h = drop(h);
      }
      if (this.code) h = tf.add(h, this.code); // [B, T, C]
      for (let index = 1; index <= lstmUnits.length; index++) {
        h = drop(heard(`lstm${index}`, recurrence(parameter, index, h))); // [B, T, H]
      }
      const flat = drop(tf.reshape(h, [batch, -1]) as Tensor2D); // [B, T * H], time by time
      const seen = this.bands ? tf.concat2d([flat, summaryOf(x, this.bands)], 1) : flat; // [B, T * H + 2 * bands]
      const trunk = heard("linear", linear(parameter, "linear", seen, "tanh")); // [B, D]
      // Next to no work, and what they give is compared with each other.
      return inFloat32(() =>
        this.heads.map((head) => heard(`linear_${head}`, linear(parameter, `linear_${head}`, trunk))),
      ); // [B, classes]
    });
  }

  /** The length of the sequence that leaves the LSTMs times its channels: what the trunk sees of one spectrum. */
  sizeAfterCnnLstm(shape: number = this.options.shape): number {
    return sequenceLength(shape, this.options.filters.length) * this.options.lstmUnits.at(-1)!;
  }

  /** Inputs of the trunk for spectra of `shape` points: 25088 for the reference network at 35692. */
  linearInputNeurons(shape: number): number {
    return this.sizeAfterCnnLstm(shape);
  }

  /** The number of trainable numbers. */
  get parameterCount(): number {
    return this.specs.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
  }

  /** Copies of all parameters, by PyTorch's names. */
  stateDict(): ModelState {
    const state: ModelState = new Map();
    for (const [name, variable] of this.parameters) {
      state.set(name, { shape: variable.shape, data: (variable.dataSync() as Float32Array).slice() });
    }
    return state;
  }

  /**
   * Takes over parameters; keys may carry the prefix `module.` of data-parallel wrapping.
   *
   * @param source names the file in errors.
   * @throws {CheckpointError} naming the first parameter that is missing, unknown or of another shape, and how many are;
   *   nothing is changed.
   */
  loadStateDict(state: ReadonlyMap<string, ParameterValues>, source = "state dict"): void {
    for (const [name, { data, shape }] of checkState(state, this.specs, source)) {
      tf.tidy(() => this.parameters.get(name)!.assign(tf.tensor(Float32Array.from(data), [...shape])));
    }
  }

  dispose(): void {
    for (const variable of this.parameters.values()) variable.dispose();
    this.code?.dispose();
    this.bands?.dispose();
  }

  private lookup(training: TrainingPass | undefined): Lookup {
    const { onGradient } = training ?? {};
    return <T extends Tensor>(name: string): T => {
      const parameter = this.parameters.get(name) as unknown as T;
      return onGradient ? tapGradient(parameter, (gradient) => onGradient(name, gradient)) : parameter;
    };
  }
}

function stageOf(parameter: Lookup, index: number, x: Tensor3D): Tensor3D {
  return convBlock(x, {
    weight: parameter(`conv${index}.weight`), // [Cout, Cin, K]
    bias: parameter(`conv${index}.bias`),
    scale: parameter(`gn${index}.weight`),
    shift: parameter(`gn${index}.bias`),
  });
}

function recurrence(parameter: Lookup, index: number, x: Tensor3D): Tensor3D {
  return lstm(x, {
    weightIh: parameter(`lstm${index}.weight_ih_l0`), // [4H, I]
    weightHh: parameter(`lstm${index}.weight_hh_l0`), // [4H, H]
    biasIh: parameter(`lstm${index}.bias_ih_l0`),
    biasHh: parameter(`lstm${index}.bias_hh_l0`),
  });
}

function linear(parameter: Lookup, name: string, x: Tensor2D, activation?: "tanh"): Tensor2D {
  const weight = parameter<Tensor2D>(`${name}.weight`); // [out, in]
  return dense(x, weight, parameter<Tensor1D>(`${name}.bias`), activation);
}

function initialTensor(spec: ParameterSpec, seed: number): Tensor {
  return tf.tensor(initialValues(spec, seed), [...spec.shape]);
}
