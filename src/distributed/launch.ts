/** Whether this process is one rank of several, as the environment that its launcher made tells. */

import { CommunicatorError } from "../errors";

/** What a launcher says of this process; MPI itself has the last word on rank and size. */
export interface Launch {
  readonly launcher: "Open MPI" | "Hydra" | "PMIx" | "srun";
  readonly rank: number;
  readonly size: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Variables of each launcher, in the order in which they are believed: a bare mpirun inside a Slurm job sets both. */
const SIGNS: readonly {
  readonly launcher: Launch["launcher"];
  readonly rank: string;
  readonly sizes: readonly string[];
}[] = [
  { launcher: "Open MPI", rank: "OMPI_COMM_WORLD_RANK", sizes: ["OMPI_COMM_WORLD_SIZE"] },
  { launcher: "Hydra", rank: "PMI_RANK", sizes: ["PMI_SIZE"] },
  { launcher: "PMIx", rank: "PMIX_RANK", sizes: ["PMIX_SIZE", "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"] },
];

/** Variables by which MPI finds the other ranks; a child process that had them would take this rank's place. */
const MPI_VARIABLE = /^(OMPI|PMIX|PMI|PRTE|ORTE|MPI_LOCAL|HYDI?_|SLURM_(PROCID|LOCALID|NODEID|STEP))/;

/**
 * The launch that this process belongs to; null when it was started by itself.
 *
 * @throws {CommunicatorError} when a launcher's variables are there and make no sense.
 */
export function detectLaunch(environment: Environment = process.env): Launch | null {
  for (const { launcher, rank, sizes } of SIGNS) {
    const rankText = environment[rank];
    const sizeName = sizes.find((name) => environment[name] !== undefined);
    if (rankText === undefined || sizeName === undefined) continue;
    return launchOf(launcher, [rank, rankText], [sizeName, environment[sizeName]!]);
  }
  // sbatch and salloc set SLURM_PROCID without having started anything: only a step of srun has several tasks.
  const tasks = environment.SLURM_STEP_NUM_TASKS;
  if (environment.SLURM_PROCID === undefined || environment.SLURM_STEP_ID === undefined || tasks === undefined) {
    return null;
  }
  return launchOf("srun", ["SLURM_PROCID", environment.SLURM_PROCID], ["SLURM_STEP_NUM_TASKS", tasks]);
}

/**
 * The launcher as its user called it: srun's plugins speak Hydra's language, or PMIx. The ranks of an mpirun inside a step
 * of srun have Hydra's own variables too.
 */
export function launcherName(launcher: Launch["launcher"], environment: Environment = process.env): string {
  const isOfStep = environment.SLURM_STEP_ID !== undefined && environment.MPI_LOCALRANKID === undefined;
  if (isOfStep && launcher === "Hydra") return "srun --mpi=pmi2";
  if (isOfStep && launcher === "PMIx") return "srun --mpi=pmix";
  return launcher;
}

/** The environment without what makes a process a rank: for child processes, which must not join the ranks. */
export function withoutRank(environment: Environment = process.env): Record<string, string> {
  const rest = Object.entries(environment).filter(([name, value]) => value !== undefined && !MPI_VARIABLE.test(name));
  return Object.fromEntries(rest) as Record<string, string>;
}

function launchOf(
  launcher: Launch["launcher"],
  [rankName, rankText]: readonly [string, string],
  [sizeName, sizeText]: readonly [string, string],
): Launch {
  const rank = Number(rankText);
  const size = Number(sizeText);
  if (Number.isInteger(rank) && Number.isInteger(size) && rank >= 0 && rank < size) return { launcher, rank, size };
  throw new CommunicatorError(
    `Cannot join the ranks: ${rankName} is "${rankText}" and ${sizeName} is "${sizeText}", expected a rank below the size`,
    { isRequest: true },
  );
}
