/** A data set and settings so small that a run takes a second, and still has something to learn. */

import { join } from "node:path";
import { type Config, type ConfigSpec, parseConfig } from "../../src/config";
import { Random } from "../../src/random";
import { labelColumns, writeNpy } from "../data/make-shard";

export const POINTS = 243;

/**
 * Shards of noise with a hump whose place tells numax and whose width tells inc; the last shard validates.
 *
 * @returns the folder
 */
export function writeTinyData(folder: string, { shards = 3, rows = 8 } = {}): string {
  for (let shard = 0; shard < shards; shard++) {
    const stars = Array.from({ length: rows }, (_, row) => {
      const random = new Random(99, shard, row);
      const numax = random.between(30, 260);
      const inc = random.between(0, 90);
      const center = (POINTS * numax) / 290;
      const width = 3 + inc / 9;
      const power = Array.from(
        { length: POINTS },
        (_, bin) => (1 + 30 * Math.exp(-(((bin - center) / width) ** 2))) * -Math.log(random.uniform()),
      );
      return [...power, ...labelColumns({ 34: numax, 35: inc })];
    });
    writeNpy(join(folder, `data_${String(shard).padStart(3, "0")}.npy`), stars);
  }
  return folder;
}

/** A network of about two thousand parameters on two heads; `spec` changes settings. */
export function tinyConfig(dataDir: string, spec: ConfigSpec = {}): Config {
  return parseConfig("default", {
    data_dir: dataDir,
    heads: ["numax", "inc"],
    edges: { numax: [0, 75, 150, 225, 300], inc: [-1, 45, 91] },
    filters: [4, 4],
    kernel_size: 9,
    lstm_units: [6, 5],
    dense_units: 8,
    dropout: 0.1,
    num_epochs: 5,
    num_batchsize: 4,
    max_lr: 1e-2,
    engine: "cpu",
    threads: 2,
    log_every: 2,
    ...spec,
  });
}
