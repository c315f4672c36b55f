/** What more ranks would give: a model of a training step, fitted to measured times. */

/** Measured on this machine. */
export interface StepCosts {
  /** Of a step, whatever its batch: weights' transforms, Adam. Seconds. */
  readonly fixedSeconds: number;
  readonly secondsPerSample: number;
  /** The part of a step in which gradients can travel unseen: from the first bucket to the end of backward. */
  readonly hideableShare: number;
  readonly gradientBytes: number;
  /** Bytes a second at which ranks of one machine add gradients. */
  readonly machineBytesPerSecond: number;
}

/** What the machines would be joined by; not measured here. */
export interface Network {
  readonly ranksPerMachine: number;
  readonly bytesPerSecond: number;
  readonly latencySeconds: number;
}

export interface Prediction {
  readonly ranks: number;
  readonly batchPerRank: number;
  readonly seconds_per_step: number;
  readonly communication_share: number;
  readonly samples_per_s: number;
  /** Samples per second of each rank, over those of one rank alone with the same batch of its own. */
  readonly efficiency: number;
}

export const ASSUMPTIONS: readonly string[] = [
  "every rank has cores of its own, as fast and with as much memory bandwidth as measured here",
  "a step costs a fixed time and a time per sample",
  "machines add gradients by a ring: 2 (M - 1) / M of the bytes through each link, 2 (M - 1) messages of latency",
  "gradients are hidden behind the part of backward that follows the first bucket, and only there",
  "no rank is slower than the others, and reading data keeps up",
];

/** Least squares of seconds = fixed + perSample * batch. */
export function fitStep(points: readonly { readonly batch: number; readonly seconds: number }[]): {
  fixedSeconds: number;
  secondsPerSample: number;
} {
  const count = points.length;
  const meanBatch = points.reduce((sum, { batch }) => sum + batch, 0) / count;
  const meanSeconds = points.reduce((sum, { seconds }) => sum + seconds, 0) / count;
  let covariance = 0;
  let variance = 0;
  for (const { batch, seconds } of points) {
    covariance += (batch - meanBatch) * (seconds - meanSeconds);
    variance += (batch - meanBatch) ** 2;
  }
  const slope = variance === 0 ? meanSeconds / meanBatch : covariance / variance;
  // Noise must not make a step's fixed cost negative.
  const fixedSeconds = Math.max(0, meanSeconds - slope * meanBatch);
  return { fixedSeconds, secondsPerSample: (meanSeconds - fixedSeconds) / meanBatch };
}

/** A training step on `ranks` ranks that take `batchPerRank` spectra each. */
export function predict(costs: StepCosts, network: Network, ranks: number, batchPerRank: number): Prediction {
  const compute = costs.fixedSeconds + costs.secondsPerSample * batchPerRank;
  const onMachine = Math.min(ranks, network.ranksPerMachine);
  const machines = Math.ceil(ranks / network.ranksPerMachine);
  const within = onMachine > 1 ? costs.gradientBytes / costs.machineBytesPerSecond : 0;
  const traffic = (2 * (machines - 1)) / machines;
  const between =
    (traffic * costs.gradientBytes) / network.bytesPerSecond + 2 * (machines - 1) * network.latencySeconds;
  const visible = Math.max(0, within + between - costs.hideableShare * compute);
  const seconds = compute + visible;
  return {
    ranks,
    batchPerRank,
    seconds_per_step: seconds,
    communication_share: visible / seconds,
    samples_per_s: (ranks * batchPerRank) / seconds,
    efficiency: compute / seconds,
  };
}
