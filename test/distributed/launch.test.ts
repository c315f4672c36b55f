import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import test from "node:test";
import { addonPath, loadMpiAddon } from "../../src/distributed/addon";
import { detectLaunch, launcherName, withoutRank } from "../../src/distributed/launch";
import { mpirunFlags } from "../../src/distributed/mpirun";

const OPEN_MPI = { OMPI_COMM_WORLD_RANK: "1", OMPI_COMM_WORLD_SIZE: "4", PMIX_RANK: "1" };
const HYDRA = { PMI_RANK: "2", PMI_SIZE: "3" };
const SBATCH = { SLURM_PROCID: "0", SLURM_NTASKS: "8", SLURM_JOB_ID: "7" };
const SRUN = { ...SBATCH, SLURM_PROCID: "5", SLURM_STEP_ID: "0", SLURM_STEP_NUM_TASKS: "8" };

test("the launcher is told by its variables, the most particular first", () => {
  assert.equal(detectLaunch({ PATH: "/bin" }), null);
  assert.deepEqual(detectLaunch(OPEN_MPI), { launcher: "Open MPI", rank: 1, size: 4 });
  assert.deepEqual(detectLaunch(HYDRA), { launcher: "Hydra", rank: 2, size: 3 });
  assert.deepEqual(detectLaunch(SRUN), { launcher: "srun", rank: 5, size: 8 });
  assert.deepEqual(detectLaunch({ ...SRUN, PMIX_RANK: "5" }), { launcher: "PMIx", rank: 5, size: 8 });
  assert.deepEqual(detectLaunch({ ...SRUN, PMI_RANK: "5", PMI_SIZE: "8" }), { launcher: "Hydra", rank: 5, size: 8 });
  // A bare mpirun inside a Slurm job.
  assert.deepEqual(detectLaunch({ ...SBATCH, ...OPEN_MPI }), { launcher: "Open MPI", rank: 1, size: 4 });
});

test("ranks of srun are not taken for those of an mpirun inside its step", () => {
  assert.equal(launcherName("Hydra", { ...SRUN, ...HYDRA }), "srun --mpi=pmi2");
  assert.equal(launcherName("PMIx", { ...SRUN, PMIX_RANK: "5" }), "srun --mpi=pmix");
  assert.equal(launcherName("srun", SRUN), "srun");
  assert.equal(launcherName("Hydra", { ...SRUN, ...HYDRA, MPI_LOCALRANKID: "0" }), "Hydra");
  assert.equal(launcherName("Hydra", { ...SBATCH, ...HYDRA }), "Hydra");
});

test("sbatch and salloc alone start no ranks", () => {
  assert.equal(detectLaunch(SBATCH), null);
  assert.equal(detectLaunch({ ...SBATCH, SLURM_STEP_NUM_TASKS: "1" }), null);
});

test("a step of srun without an interface for MPI is refused, with what to ask for", {
  skip: existsSync(addonPath("openmpi")) ? false : "the addon for Open MPI is not built",
}, () => {
  assert.equal(process.env.ASTEROLAB_MPI, undefined);
  assert.throws(() => loadMpiAddon({ launcher: "srun", rank: 0, size: 8 }), {
    name: "CommunicatorError",
    message:
      "Cannot join the ranks: srun started 8 processes without an interface by which they find each other; under srun, " +
      "Open MPI joins with --mpi=pmix, and MPICH with --mpi=pmi2 (srun --mpi=list names what there is); " +
      "ASTEROLAB_MPI=openmpi or mpich tries without",
  });
});

test("variables that contradict themselves are an error that names them", () => {
  for (const [rank, size] of [
    ["4", "4"],
    ["-1", "2"],
    ["x", "2"],
    ["0", "many"],
  ]) {
    assert.throws(() => detectLaunch({ PMI_RANK: rank, PMI_SIZE: size }), {
      name: "CommunicatorError",
      message: `Cannot join the ranks: PMI_RANK is "${rank}" and PMI_SIZE is "${size}", expected a rank below the size`,
    });
  }
});

test("child processes do not inherit what makes a process a rank", () => {
  const kept = { PATH: "/bin", HOME: "/root", SLURM_JOB_ID: "7", MPICXX: "mpicxx" };
  const rank = { ...OPEN_MPI, ...HYDRA, ...SRUN, OMPI_MCA_btl: "tcp", PMI_FD: "5", PMIX_NAMESPACE: "a", PRTE_X: "b" };
  const rest = withoutRank({ ...rank, MPI_LOCALRANKID: "1", MPI_LOCALNRANKS: "2", ...kept, UNSET: undefined });
  assert.deepEqual(rest, { ...kept, SLURM_NTASKS: "8" });
  assert.equal(detectLaunch(rest), null);
});

test("mpirun's flags: ranks are neither bound to one core nor limited to the cores", () => {
  assert.deepEqual(mpirunFlags({ implementation: "mpich" }, 3), ["-n", "3"]);
  const flags = mpirunFlags({ implementation: "openmpi" }, 3).join(" ");
  assert.match(flags, /^-n 3 --bind-to none --oversubscribe/);
});
