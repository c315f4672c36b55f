/** Spectra of stars -> posteriors of their parameters, in batches through the network. */

import type { Tensor, Tensor2D } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { ClassicalEstimator } from "../classical";
import type { ClassEdges } from "../data/classes";
import { type Grid, KEPLER_GRID, POINTS } from "../data/grid";
import type { HeadName } from "../data/parameters";
import { type Preparation, SpectrumPreparer } from "../data/prepare-spectrum";
import { type ForwardOptions, TRUNK } from "../model/model";
import { type Calibration, calibrationAt } from "./calibrated";
import { type Detection, detectionOf } from "./detection";
import { isUnusual } from "./familiarity";
import { type Posterior, posteriorOf } from "./posteriors";
import type { StarSpectrum } from "./spectrum-file";
import { oversamplingOf, spectrumStatistics } from "./spectrum-summary";

/** The parameters of one star. */
export interface Prediction {
  readonly input: string;
  readonly parameters: Readonly<Partial<Record<HeadName, Posterior>>>;
  /** What was done to the spectrum before the network saw it. */
  readonly notes: readonly string[];
  /** Whether the spectrum shows oscillations at all, and in the network's band; null where its grid is not known. */
  readonly detection: Detection | null;
  /** True where the star looks unlike those of the training set; null without a calibration. */
  readonly unusual: boolean | null;
  /** What methods without a network say, µHz; null where they detect nothing. */
  readonly classical: { readonly numax: number; readonly dnu: number; readonly strength: number } | null;
}

/** The part of the network that prediction needs. */
export interface Network {
  forward(x: Tensor2D, options?: Pick<ForwardOptions, "onLayer">): Tensor2D[];
}

/** How spectra are prepared for the network, and what is told of each star. */
export interface PredictOptions extends Pick<Preparation, "normalize">, Partial<Pick<Preparation, "rebin">> {
  /** Corrects the logits and tells what is identifiable and usual; default: none. */
  readonly calibration?: Calibration | null;
  /** The frequencies of the spectra's powers; default: the network's usual grid where the length fits, else not known. */
  readonly grid?: Grid | null;
  /** Spectra per evaluation of the network. */
  readonly batchSize?: number;
  readonly withLogits?: boolean;
  /** Called with each star and what is predicted of it, one after the other. */
  readonly onStar?: (star: StarSpectrum, prediction: Prediction) => Promise<void>;
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
  let preparer: SpectrumPreparer | null = null;
  const evaluate = async (): Promise<void> => {
    const { normalize, rebin = 1 } = options;
    preparer ??= new SpectrumPreparer({ normalize, rebin }, waiting[0]!.power.length);
    const ofBatch = await predictBatch(model, classEdges, waiting, preparer, options);
    for (const [index, prediction] of ofBatch.entries()) await options.onStar?.(waiting[index]!, prediction);
    predictions.push(...ofBatch);
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
  preparer: SpectrumPreparer,
  { calibration = null, grid, withLogits = false }: PredictOptions,
): Promise<Prediction[]> {
  const { inputs, points } = preparer;
  const spectra = new Float32Array(stars.length * inputs); // [B, inputs]
  for (const [index, { input, power }] of stars.entries()) {
    preparer.prepare(power, spectra.subarray(index * inputs, (index + 1) * inputs), { path: input });
  }
  let activations = new Float32Array(0); // [B, D]
  const onLayer = (name: string, output: Tensor): void => {
    if (name === TRUNK && calibration !== null) activations = Float32Array.from(output.dataSync());
  };
  const outputs = tf.tidy(() => model.forward(tf.tensor2d(spectra, [stars.length, inputs]), { onLayer }));
  try {
    const knownGrid = grid === undefined && points === POINTS ? KEPLER_GRID : (grid ?? null);
    const seen = stars.map(({ power }) => (knownGrid === null ? null : lookAt(power, knownGrid, classEdges)));
    const logits = await Promise.all(outputs.map((output) => output.data())); // heads x [B, classes]
    return stars.map(({ input, notes }, star) => {
      const statistics = spectrumStatistics(spectra.subarray(star * inputs, (star + 1) * inputs));
      const own = calibration && calibrationAt(calibration, oversamplingOf(statistics));
      const posteriors = [...classEdges].map(([head, edges], index): [HeadName, Posterior] => {
        const classes = edges.length - 1;
        const ofStar = logits[index]!.subarray(star * classes, (star + 1) * classes);
        return [head, posteriorOf(head, ofStar, edges, { calibration: own, withLogits })];
      });
      const width = activations.length / stars.length;
      const unusual =
        calibration &&
        isUnusual(calibration, {
          trunk: activations.subarray(star * width, (star + 1) * width),
          spectrum: statistics,
        });
      const { detection, classical } = seen[star] ?? { detection: null, classical: null };
      return { input, parameters: Object.fromEntries(posteriors), notes, detection, unusual, classical };
    });
  } finally {
    tf.dispose(outputs);
  }
}

/** What is seen in a spectrum without the network. */
function lookAt(power: Float32Array, grid: Grid, classEdges: ClassEdges): Pick<Prediction, "detection" | "classical"> {
  const estimate = estimator.estimate(power, grid);
  const { isDetected, numax, dnu, strength } = estimate;
  return {
    detection: detectionOf(estimate, classEdges, grid),
    classical: isDetected ? { numax, dnu, strength } : null,
  };
}

const estimator = new ClassicalEstimator();
