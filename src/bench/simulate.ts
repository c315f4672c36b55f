/** The speed of the simulator: whole spectra, written as shards. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { simulateDataset } from "../simulate";

export interface SimulateBench {
  readonly spectra: number;
  readonly workers: number;
  readonly seconds: number;
  readonly spectra_per_s: number;
}

/** Simulates `spectra` stars of the population prior into a temporary folder; starting the workers counts. */
export async function benchSimulate(options: { spectra: number; workers: number }): Promise<SimulateBench> {
  const { spectra, workers } = options;
  const out = await mkdtemp(join(tmpdir(), "asterolab-bench-"));
  try {
    const { seconds } = await simulateDataset({
      out,
      shards: 1,
      validationShards: 0,
      spectraPerShard: spectra,
      workers,
    });
    return { spectra, workers, seconds, spectra_per_s: spectra / seconds };
  } finally {
    await rm(out, { recursive: true });
  }
}
