/** Which GPU a process uses: chosen by its rank on the machine, before TensorFlow is loaded. */

import { readdirSync } from "node:fs";
import { join } from "node:path";

type Environment = Record<string, string | undefined>;

/** Launchers' names for a rank's number on its machine: Open MPI, MPICH and Intel MPI, Slurm; torchrun's last. */
const LOCAL_RANK = ["OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID", "LOCAL_RANK"];

/**
 * How many NVIDIA GPUs this process can reach; 0 where there is no driver. In a container the device files are those that
 * it was given, while the driver's folder shows none of them, or all of the machine; on a machine where nothing has used
 * a GPU yet, there are no device files.
 *
 * @param root of the file system
 */
export function gpuCount(root = "/"): number {
  const devices = namesIn(join(root, "dev")).filter((name) => /^nvidia\d+$/.test(name));
  return devices.length || namesIn(join(root, "proc/driver/nvidia/gpus")).length;
}

/** Whether a GPU is there for this process to use. */
export function expectsGpu(): boolean {
  return gpuCount() > 0 && !hidesGpus();
}

/** Whether the user or the scheduler lets this process see no GPU. */
export function hidesGpus(environment: Environment = process.env): boolean {
  const given = environment.CUDA_VISIBLE_DEVICES;
  return given !== undefined && /^\s*(?:-1\b|$)/.test(given);
}

/** A process's number among those on its machine: 0 without a launcher. */
export function localRank(environment: Environment = process.env): number {
  for (const name of LOCAL_RANK) {
    const value = environment[name];
    if (value !== undefined && /^\d+$/.test(value)) return Number(value);
  }
  return 0;
}

/**
 * What CUDA_VISIBLE_DEVICES must be for this process to see the one GPU it is to use. The ranks of a machine take its
 * GPUs in turn; tfjs-node-gpu itself would use the last visible GPU and hold memory on all.
 *
 * @param count GPUs of the machine
 * @returns undefined where there is nothing to choose from.
 */
export function visibleDevice(count: number, environment: Environment = process.env): string | undefined {
  const given = environment.CUDA_VISIBLE_DEVICES;
  const devices =
    given === undefined
      ? Array.from({ length: count }, (_, index) => String(index))
      : given.split(",").map((device) => device.trim());
  return devices[localRank(environment) % devices.length];
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
