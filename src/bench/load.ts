/** The speed of reading a data set: rows from disk, scaled for the network, in batches. */

import { Dataset } from "../data/dataset";
import { HEAD_NAMES } from "../data/parameters";

export interface LoadBench {
  readonly spectra: number;
  readonly seconds: number;
  readonly spectra_per_s: number;
  /** Of prepared float32 powers. */
  readonly mb_per_s: number;
}

const BATCH_SIZE = 32;

/**
 * Reads every row of a data set once, in shuffled order.
 *
 * @throws {DataError} when the folder holds no usable data set.
 */
export async function benchLoad(folder: string): Promise<LoadBench> {
  const dataset = await Dataset.open(folder, { split: "all", heads: HEAD_NAMES, normalize: "median" });
  try {
    const order = dataset.order(1, 0, true);
    const startedAt = performance.now();
    let spectra = 0;
    for await (const batch of dataset.batches({ order, batchSize: BATCH_SIZE, reuseSpectra: true })) {
      spectra += batch.size;
    }
    const seconds = (performance.now() - startedAt) / 1000;
    const megabytes = (spectra * dataset.points * Float32Array.BYTES_PER_ELEMENT) / 1e6;
    return { spectra, seconds, spectra_per_s: spectra / seconds, mb_per_s: megabytes / seconds };
  } finally {
    await dataset.close();
  }
}
