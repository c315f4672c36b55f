/** Spectra of stars -> posteriors of their parameters, in batches through the network. */

import type { Tensor2D } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import type { ClassEdges } from "../data/classes";
import type { HeadName } from "../data/parameters";
import { type Preparation, SpectrumPreparer } from "../data/prepare-spectrum";
import { type Posterior, posteriorOf } from "./posteriors";
import type { StarSpectrum } from "./spectrum-file";

/** The parameters of one star. */
export interface Prediction {
  readonly input: string;
  readonly parameters: Readonly<Partial<Record<HeadName, Posterior>>>;
  /** What was done to the spectrum before the network saw it. */
  readonly notes: readonly string[];
}

/** The part of the network that prediction needs. */
export interface Network {
  forward(x: Tensor2D): Tensor2D[];
}

export interface PredictOptions extends Pick<Preparation, "normalize">, Partial<Pick<Preparation, "rebin">> {
  /** Spectra per evaluation of the network. */
  readonly batchSize?: number;
  readonly withLogits?: boolean;
  /** Called with the number of stars done. */
  readonly onProgress?: (done: number) => void;
}

const BATCH_SIZE = 16;

/**
 * Evaluates a classification network for stars, scaled exactly as in training, with dropout off.
 *
 * @param classEdges in the order of the network's heads
 * @param stars powers on the network's grid, [points] each
 * @returns one prediction per star, in their order
 * @throws {DataError} when a power is NaN, infinite or negative.
 */
export async function predictSpectra(
  model: Network,
  classEdges: ClassEdges,
  stars: Iterable<StarSpectrum> | AsyncIterable<StarSpectrum>,
  options: PredictOptions,
): Promise<Prediction[]> {
  const { batchSize = BATCH_SIZE } = options;
  const predictions: Prediction[] = [];
  let waiting: StarSpectrum[] = [];
  const evaluate = async (): Promise<void> => {
    predictions.push(...(await predictBatch(model, classEdges, waiting, options)));
    waiting = [];
    options.onProgress?.(predictions.length);
  };
  for await (const star of stars) {
    waiting.push(star);
    if (waiting.length === batchSize) await evaluate();
  }
  if (waiting.length > 0) await evaluate();
  return predictions;
}

async function predictBatch(
  model: Network,
  classEdges: ClassEdges,
  stars: readonly StarSpectrum[],
  { normalize, rebin = 1, withLogits = false }: PredictOptions,
): Promise<Prediction[]> {
  const points = stars[0]!.power.length;
  const preparer = new SpectrumPreparer({ normalize, rebin }, points);
  const { inputs } = preparer;
  const spectra = new Float32Array(stars.length * inputs); // [B, inputs]
  for (const [index, { input, power }] of stars.entries()) {
    preparer.prepare(power, spectra.subarray(index * inputs, (index + 1) * inputs), { path: input });
  }
  const outputs = tf.tidy(() => model.forward(tf.tensor2d(spectra, [stars.length, inputs])));
  try {
    const logits = await Promise.all(outputs.map((output) => output.data())); // heads x [B, classes]
    return stars.map(({ input, notes }, star) => {
      const posteriors = [...classEdges].map(([head, edges], index): [HeadName, Posterior] => {
        const classes = edges.length - 1;
        const own = logits[index]!.subarray(star * classes, (star + 1) * classes);
        return [head, posteriorOf(head, own, edges, { withLogits })];
      });
      return { input, parameters: Object.fromEntries(posteriors), notes };
    });
  } finally {
    tf.dispose(outputs);
  }
}
