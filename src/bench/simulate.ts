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

/** Spectra that each worker makes before the clock starts: it loads the sources and its hot loops are compiled. */
const WARM_UP = 128;

/** Simulates `spectra` stars of the population prior into a temporary folder, once the workers are warm. */
export async function benchSimulate(options: { spectra: number; workers: number }): Promise<SimulateBench> {
  const { spectra, workers } = options;
  const out = await mkdtemp(join(tmpdir(), "asterolab-bench-"));
  const warmUp = WARM_UP * workers;
  let startedAt: number | undefined;
  try {
    await simulateDataset({
      out,
      shards: 1,
      validationShards: 0,
      spectraPerShard: warmUp + spectra,
      workers,
      onProgress: ({ done }) => {
        if (done >= warmUp) startedAt ??= performance.now();
      },
    });
    const seconds = (performance.now() - startedAt!) / 1000;
    return { spectra, workers, seconds, spectra_per_s: spectra / seconds };
  } finally {
    await rm(out, { recursive: true });
  }
}
