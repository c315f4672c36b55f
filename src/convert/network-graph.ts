/**
 * The network as a tfjs graph of stock ops, so that a browser evaluates it with `tf.loadGraphModel` and nothing of ours.
 * tfjs's layer models have no group normalisation and no pools like PyTorch's, so the graph is written op by op, the LSTMs
 * unrolled over their time steps.
 *
 * B batch, L length, C channels, T time steps, H LSTM units. Edges are [B, 1, L, C] in the stages.
 */

import type { NetworkSettings, StateTensor } from "../checkpoint";
import { inputPoints } from "../data/prepare-spectrum";
import { sequenceLength } from "../model/parameters";
import { positionCode } from "../model/position-code";
import { bandWeights } from "../model/summary";
import { type Edge, GraphBuilder, integerList, text } from "./graph-builder";
import { toGraphLayout } from "./graph-layout";

/** Name of the graph's input, [B, inputs]: positive powers, prepared as in training. */
export const INPUT_NAME = "spectra";

/** Added to the variance, as in the engine's convolution block. */
const EPSILON = 1e-5;

/**
 * Builds the graph; its outputs are nodes named after the heads, [B, classes].
 *
 * @param model parameters by PyTorch's names; they fit the settings.
 */
export function networkGraph(
  model: ReadonlyMap<string, StateTensor>,
  { config, points }: NetworkSettings,
): GraphBuilder {
  const graph = new GraphBuilder();
  const parameter = (name: string): Edge => {
    const { shape, data } = toGraphLayout(name, model.get(name)!);
    return graph.floats(name, shape, data);
  };
  const stages = config.filters.length;
  const channels = config.filters.at(-1)!;
  const inputs = inputPoints(points, config.rebin);
  const steps = sequenceLength(inputs, stages);

  const power = graph.placeholder(INPUT_NAME, [inputs]);
  const logPower = graph.add("Log", "log_power", [power]);
  let x = graph.reshape("signal", logPower, [1, inputs, 1]);
  for (let stage = 1; stage <= stages; stage++) x = convolutionStage(graph, stage, x, parameter);
  if (config.pos_enc) {
    const code = graph.floats("graph/position_code", [steps, channels], positionCode(steps, channels));
    x = graph.add("AddV2", "coded", [graph.reshape("sequence", x, [steps, channels]), code]);
  }
  let features = channels;
  config.lstm_units.forEach((units, index) => {
    x = recurrence(graph, `lstm${index + 1}`, x, { steps, inputs: features, units }, parameter);
    features = units;
  });
  const linear = (name: string, input: Edge, output: string): Edge => {
    const product = graph.product(`${name}/product`, input, parameter(`${name}.weight`));
    return graph.add("AddV2", output, [product, parameter(`${name}.bias`)]);
  };
  const flat = graph.reshape("flat", x, [steps * features]);
  const seen = config.summary > 0 ? withSummary(graph, flat, { power, logPower, inputs, bands: config.summary }) : flat;
  const trunk = graph.add("Tanh", "trunk", [linear("linear", seen, "linear/sum")]);
  for (const head of config.heads) linear(`linear_${head}`, trunk, head);
  return graph;
}

/** The trunk's input and behind it the summary of the spectrum, as in `summaryOf`. */
function withSummary(
  graph: GraphBuilder,
  flat: Edge,
  { power, logPower, inputs, bands }: { power: Edge; logPower: Edge; inputs: number; bands: number },
): Edge {
  const weights = graph.floats("graph/bands", [bands, inputs], bandWeights(inputs, bands));
  const levels = graph.add("Log", "summary/levels", [graph.product("summary/means", power, weights)]);
  const logarithms = graph.product("summary/logarithms", logPower, weights);
  const axis = graph.integers("graph/feature_axis", [1], []);
  return graph.add("ConcatV2", "summary", [flat, levels, logarithms, axis], { N: { i: "3" } });
}

type ParameterSource = (name: string) => Edge;

/** Convolution -> ReLU -> normalisation of each channel -> maximum over 3 -> mean over 3, as PyTorch pads and divides. */
function convolutionStage(graph: GraphBuilder, stage: number, x: Edge, parameter: ParameterSource): Edge {
  const add = (op: string, name: string, input: readonly Edge[], attr = {}): Edge =>
    graph.add(op, `stage${stage}/${name}`, input, attr);
  const layout = { data_format: text("NHWC") };
  const unit = integerList([1, 1, 1, 1]);

  const sums = add("Conv2D", "convolution", [x, parameter(`conv${stage}.weight`)], {
    ...layout,
    strides: unit,
    dilations: unit,
    padding: text("SAME"),
  });
  const active = add("Relu", "relu", [add("AddV2", "biased", [sums, parameter(`conv${stage}.bias`)])]);

  const axis = graph.integers("graph/length_axis", [2]);
  const keepDims = { keep_dims: { b: true } };
  const centred = add("Sub", "centred", [active, add("Mean", "mean", [active, axis], keepDims)]);
  const variance = add("Mean", "variance", [add("Square", "square", [centred]), axis], keepDims);
  const epsilon = graph.floats(`graph/epsilon_${stage}`, [], Float32Array.of(EPSILON));
  const deviation = add("Sqrt", "deviation", [add("AddV2", "raised", [variance, epsilon])]);
  const standard = add("RealDiv", "standard", [centred, deviation]);
  const scaled = add("Mul", "scaled", [standard, parameter(`gn${stage}.weight`)]);
  const normal = add("AddV2", "normal", [scaled, parameter(`gn${stage}.bias`)]);

  const window = integerList([1, 1, 3, 1]);
  const highest = add("MaxPool", "maximum", [normal], {
    ...layout,
    ksize: window,
    strides: unit,
    padding: text("SAME"),
  });
  // Zeros count in PyTorch's mean: they are put in before a pool that has no padding of its own.
  const padded = add("Pad", "padded", [
    highest,
    graph.integers("graph/one_each_side", [0, 0, 0, 0, 1, 1, 0, 0], [4, 2]),
  ]);
  return add("AvgPool", "mean_pool", [padded], { ...layout, ksize: window, strides: window, padding: text("VALID") });
}

/** An LSTM from a zero state, PyTorch's gates in their order: input, forget, cell, output. Returns [B, T, H]. */
function recurrence(
  graph: GraphBuilder,
  layer: string,
  x: Edge,
  { steps, inputs, units }: { steps: number; inputs: number; units: number },
  parameter: ParameterSource,
): Edge {
  const add = (op: string, name: string, input: readonly Edge[], attr = {}): Edge =>
    graph.add(op, `${layer}/${name}`, input, attr);
  const rows = graph.reshape(`${layer}/rows`, x, [inputs]); // [B * T, C]
  const product = graph.product(`${layer}/projection`, rows, parameter(`${layer}.weight_ih_l0`));
  const biasedOnce = add("AddV2", "input_bias", [product, parameter(`${layer}.bias_ih_l0`)]);
  const biased = add("AddV2", "hidden_bias", [biasedOnce, parameter(`${layer}.bias_hh_l0`)]);
  const sequence = graph.reshape(`${layer}/by_step`, biased, [steps, 4 * units]);
  const unpacked = add("Unpack", "steps", [sequence], { num: { i: String(steps) }, axis: { i: "1" } });
  const weight = parameter(`${layer}.weight_hh_l0`);
  const gateAxis = graph.integers("graph/gate_axis", [1], []);

  const states: Edge[] = [];
  let cell: Edge | null = null;
  for (let step = 0; step < steps; step++) {
    const hidden = states.at(-1);
    const input = step === 0 ? unpacked : `${unpacked}:${step}`;
    const gates =
      hidden === undefined
        ? input
        : add("AddV2", "gates", [input, graph.product(`${layer}/recurrent`, hidden, weight)]);
    const split = add("Split", "split", [gateAxis, gates], { num_split: { i: "4" } });
    const admitted: Edge = add("Mul", "admitted", [
      add("Sigmoid", "input_gate", [split]),
      add("Tanh", "candidate", [`${split}:2`]),
    ]);
    const kept: Edge | null = cell && add("Mul", "kept", [add("Sigmoid", "forget_gate", [`${split}:1`]), cell]);
    cell = kept === null ? admitted : add("AddV2", "cell", [kept, admitted]);
    states.push(
      add("Mul", "hidden", [add("Sigmoid", "output_gate", [`${split}:3`]), add("Tanh", "cell_tanh", [cell])]),
    );
  }
  return add("Pack", "states", states, { N: { i: String(steps) }, axis: { i: "1" } });
}
