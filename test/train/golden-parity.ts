/** Holds the network against PyTorch's numbers in test/golden/parity, on the current engine. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { classCount, type HeadName, PARAMETERS } from "../../src/data/parameters";
import { Model } from "../../src/model/model";
import type { ModelState } from "../../src/model/state";
import { hash32 } from "../../src/random";
import { Adam } from "../../src/train/adam";
import { applyGradients, batchGradients, type Examples } from "../../src/train/step";
import { assertClose } from "../assert-close";

export interface Golden {
  readonly heads: HeadName[];
  readonly length: number;
  readonly batch: number;
  readonly filters: number[];
  readonly hidden: number[];
  readonly dense: number;
  readonly seed: number;
  readonly parameters: number;
  readonly learning_rate: number;
  readonly clip_norm: number;
  readonly losses: number[];
  readonly gradient_norms: number[];
  /** What PyTorch itself gives in float32, where the numbers above are float64's. */
  readonly float32_gradient_norms: number[];
  readonly logits_of_sample_0: Record<HeadName, number[]>;
}

export const GOLDEN_DIR = join(__dirname, "..", "golden", "parity");

export function readGolden(name: string): Golden {
  return JSON.parse(readFileSync(join(GOLDEN_DIR, `${name}.json`), "utf8")) as Golden;
}

/** The network of a golden file; its parameters are still to be loaded. */
export function modelOf(golden: Golden): Model {
  return new Model({
    classes: new Map(golden.heads.map((head) => [head, classCount(PARAMETERS[head].edges)])),
    shape: golden.length,
    filters: golden.filters,
    kernelSize: 51,
    lstmUnits: golden.hidden,
    denseUnits: golden.dense,
    dropout: 0,
    seed: 0,
  });
}

/** The parameters that make_golden.py's `fill_by_formula` gives the network. */
export function stateByFormula(model: Model, seed: number): ModelState {
  let tensor = 0;
  const state: ModelState = new Map();
  for (const [name, { shape, size }] of model.parameters) {
    const u = uniform(seed, tensor++, size);
    if (name.startsWith("gn")) {
      const centre = name.endsWith("weight") ? 1 : 0;
      state.set(name, { shape, data: Float32Array.from(u, (value) => centre + 0.2 * (value - 0.5)) });
      continue;
    }
    const weightShape = model.parameters.get(name.replace("bias", "weight"))?.shape ?? [];
    const fanIn = name.startsWith("lstm") ? shape[0]! / 4 : weightShape.slice(1).reduce((a, b) => a * b, 1);
    state.set(name, { shape, data: Float32Array.from(u, (value) => (2 * value - 1) / Math.sqrt(fanIn)) });
  }
  return state;
}

/**
 * Logits, the gradient's norm and the losses of five clipped Adam steps to 1e-4. Adam turns the rounding of gradients
 * near zero into steps of either sign, so that float32 runs drift from float64's: norms after the first may differ by
 * twice what PyTorch's own float32 run does, where that is more than 1e-4.
 */
export function assertParity(golden: Golden, model: Model): void {
  const examples = examplesOf(golden);
  const logits = tf.tidy(() =>
    model
      .forward(tf.tensor2d(examples.spectra, [golden.batch, golden.length]))
      .map((head) => (head.dataSync() as Float32Array).slice(0, head.shape[1]!)),
  );
  golden.heads.forEach((head, index) => {
    const expected = golden.logits_of_sample_0[head];
    const largest = Math.max(...expected.map(Math.abs));
    assertClose(logits[index]!, expected, { rtol: 1e-4, atol: 1e-5 * largest, what: `logits of ${head}` });
  });

  const optimizer = new Adam(model.parameters);
  const value = { learningRate: golden.learning_rate, beta1: 0.9 };
  const losses: number[] = [];
  const norms: number[] = [];
  for (let step = 0; step < golden.losses.length; step++) {
    const training = { seed: 0, step };
    const { loss, tensors } = batchGradients(model, "sparse_categorical_crossentropy", examples, training);
    losses.push(loss);
    norms.push(applyGradients(optimizer, tensors, { value, clipNorm: golden.clip_norm, divisor: 1 }));
  }
  optimizer.dispose();
  assertClose(norms[0]!, golden.gradient_norms[0]!, { rtol: 1e-4, what: "first gradient norm" });
  const drifts = golden.float32_gradient_norms.map((norm, step) => Math.abs(norm / golden.gradient_norms[step]! - 1));
  const rtol = Math.max(1e-4, 2 * Math.max(...drifts));
  assertClose(norms, golden.gradient_norms, { rtol, what: "gradient norms" });
  assertClose(losses, golden.losses, { rtol: 1e-4, what: "losses" });
}

function examplesOf({ heads, length, batch, seed }: Golden): Examples {
  const labels = uniform(seed, 1002, batch * heads.length);
  return {
    spectra: Float32Array.from(uniform(seed, 1001, batch * length), (u) => -Math.log(u) + 1e-3),
    targets: Int32Array.from(labels, (u, index) =>
      Math.floor(u * classCount(PARAMETERS[heads[index % heads.length]!].edges)),
    ),
    size: batch,
  };
}

/** Numbers in (0, 1) named by (seed, tensor, element), as in make_golden.py. */
function uniform(seed: number, tensor: number, count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, element) => (hash32(seed, tensor, element) + 0.5) / 2 ** 32);
}
