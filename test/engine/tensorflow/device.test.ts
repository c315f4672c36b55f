import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { gpuCount, hidesGpus, localRank, visibleDevice } from "../../../src/engine/tensorflow/device";
import { temporaryFolder } from "../../data/make-shard";

test("GPUs are counted by their device files, which a container is given, and else by the driver's folder", (t) => {
  const root = temporaryFolder(t);
  assert.equal(gpuCount(root), 0);
  for (const bus of ["0000:01:00.0", "0000:02:00.0", "0000:03:00.0"])
    mkdirSync(join(root, "proc/driver/nvidia/gpus", bus), { recursive: true });
  assert.equal(gpuCount(root), 3); // nothing has used one yet
  mkdirSync(join(root, "dev"));
  for (const name of ["nvidia3", "nvidia-uvm", "nvidiactl", "nvidia-modeset"])
    writeFileSync(join(root, "dev", name), "");
  assert.equal(gpuCount(root), 1);
});

test("an empty list and -1 hide all GPUs", () => {
  assert.deepEqual(
    [undefined, "", " ", "-1", "0", "GPU-1", "1,-1"].map((given) => hidesGpus({ CUDA_VISIBLE_DEVICES: given })),
    [...[false, true, true, true], ...[false, false, false]],
  );
});

test("the rank on the machine is the launcher's, and 0 without one", () => {
  assert.equal(localRank({}), 0);
  assert.equal(localRank({ OMPI_COMM_WORLD_LOCAL_RANK: "3" }), 3);
  assert.equal(localRank({ MPI_LOCALRANKID: "2" }), 2);
  assert.equal(localRank({ SLURM_LOCALID: "1" }), 1);
  assert.equal(localRank({ LOCAL_RANK: "5" }), 5);
  // mpirun within a Slurm job: mpirun knows better.
  assert.equal(localRank({ SLURM_LOCALID: "0", OMPI_COMM_WORLD_LOCAL_RANK: "3" }), 3);
  assert.equal(localRank({ OMPI_COMM_WORLD_LOCAL_RANK: "", SLURM_LOCALID: "4" }), 4);
});

test("the ranks of a machine take its GPUs in turn", () => {
  const device = (rank: number): string | undefined => visibleDevice(2, { OMPI_COMM_WORLD_LOCAL_RANK: String(rank) });
  assert.deepEqual([0, 1, 2, 3].map(device), ["0", "1", "0", "1"]);
  assert.equal(visibleDevice(4, {}), "0");
});

test("the GPUs that the user or the scheduler allows are the ones shared out", () => {
  const environment = { CUDA_VISIBLE_DEVICES: "4, 6,7", SLURM_LOCALID: "1" };
  assert.equal(visibleDevice(8, environment), "6");
  assert.equal(visibleDevice(8, { ...environment, SLURM_LOCALID: "5" }), "7");
  assert.equal(visibleDevice(8, { CUDA_VISIBLE_DEVICES: "GPU-8f2c" }), "GPU-8f2c");
});

test("an empty list keeps the GPUs hidden; without any there is nothing to set", () => {
  assert.equal(visibleDevice(2, { CUDA_VISIBLE_DEVICES: "" }), "");
  assert.equal(visibleDevice(0, {}), undefined);
  assert.equal(visibleDevice(0, { SLURM_LOCALID: "3" }), undefined);
});
