/** The network's trainable parameters: PyTorch's names, order, shapes and initialisation laws. */

import type { HeadName } from "../data/parameters";
import { Random } from "../random";

/** What decides the shapes of the network. */
export interface Architecture {
  /** Points of one spectrum. */
  readonly shape: number;
  /** Output channels of the convolution stages. */
  readonly filters: readonly number[];
  readonly kernelSize: number;
  /** Units of the two LSTMs. */
  readonly lstmUnits: readonly number[];
  readonly denseUnits: number;
  /** Numbers that reach the trunk past the convolutions; default 0. */
  readonly summaryInputs?: number;
  /** Outputs of each head, in the heads' order. */
  readonly headOutputs: ReadonlyMap<HeadName, number>;
}

/** One parameter: where it stands in the network is in its name. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
  /** A constant, or `bound` for uniform numbers in (-bound, bound). */
  readonly law: { readonly constant: number } | { readonly bound: number };
}

/** The length that enters the LSTMs: each stage pools L to floor((L - 1) / 3) + 1. */
export function sequenceLength(shape: number, stages: number): number {
  let length = shape;
  for (let stage = 0; stage < stages; stage++) length = Math.floor((length - 1) / 3) + 1;
  return length;
}

/**
 * Every parameter in the order of PyTorch's `state_dict()`. Weights and biases of convolutions and dense layers follow
 * `kaiming_uniform_(a = sqrt(5))`, that is U(-1/sqrt(fan_in), 1/sqrt(fan_in)); those of LSTMs U(-1/sqrt(H), 1/sqrt(H))
 * without a forget-gate offset; group normalisation starts as the identity.
 */
export function parameterSpecs(architecture: Architecture): ParameterSpec[] {
  const { shape, filters, kernelSize, lstmUnits, denseUnits, headOutputs, summaryInputs = 0 } = architecture;
  const specs: ParameterSpec[] = [];
  let channels = 1;
  filters.forEach((outputs, index) => {
    const law = { bound: 1 / Math.sqrt(channels * kernelSize) };
    specs.push({ name: `conv${index + 1}.weight`, shape: [outputs, channels, kernelSize], law });
    specs.push({ name: `conv${index + 1}.bias`, shape: [outputs], law });
    specs.push({ name: `gn${index + 1}.weight`, shape: [outputs], law: { constant: 1 } });
    specs.push({ name: `gn${index + 1}.bias`, shape: [outputs], law: { constant: 0 } });
    channels = outputs;
  });
  lstmUnits.forEach((units, index) => {
    const law = { bound: 1 / Math.sqrt(units) };
    specs.push({ name: `lstm${index + 1}.weight_ih_l0`, shape: [4 * units, channels], law });
    specs.push({ name: `lstm${index + 1}.weight_hh_l0`, shape: [4 * units, units], law });
    specs.push({ name: `lstm${index + 1}.bias_ih_l0`, shape: [4 * units], law });
    specs.push({ name: `lstm${index + 1}.bias_hh_l0`, shape: [4 * units], law });
    channels = units;
  });
  specs.push(...denseSpecs("linear", sequenceLength(shape, filters.length) * channels + summaryInputs, denseUnits));
  for (const [head, outputs] of headOutputs) specs.push(...denseSpecs(`linear_${head}`, denseUnits, outputs));
  return specs;
}

/** Start values of one parameter: a function of the seed and the parameter's name, not of its neighbours. */
export function initialValues(spec: ParameterSpec, seed: number): Float32Array {
  const values = new Float32Array(spec.shape.reduce((product, size) => product * size, 1));
  if ("constant" in spec.law) return values.fill(spec.law.constant);
  const random = new Random(seed, ...Buffer.from(spec.name));
  for (let index = 0; index < values.length; index++) values[index] = random.between(-spec.law.bound, spec.law.bound);
  return values;
}

function denseSpecs(name: string, inputs: number, outputs: number): ParameterSpec[] {
  const law = { bound: 1 / Math.sqrt(inputs) };
  return [
    { name: `${name}.weight`, shape: [outputs, inputs], law },
    { name: `${name}.bias`, shape: [outputs], law },
  ];
}
