/** Loads the MPI addon that fits the launcher. It is built per MPI, since their binary interfaces differ. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { CommunicatorError } from "../errors";
import { projectRoot } from "../version";
import type { Reducible } from "./communicator";
import { type Launch, launcherName } from "./launch";

export type Implementation = "openmpi" | "mpich";

/** The functions of asterolab-mpi.node (native/mpi/addon.cc). */
export interface MpiAddon {
  init(): Promise<{
    readonly rank: number;
    readonly size: number;
    readonly nodeRank: number;
    readonly nodeSize: number;
    readonly nodes: number;
    readonly host: string;
    readonly library: string;
  }>;
  broadcast(array: Reducible | Uint8Array, root: number): Promise<void>;
  allreduce(array: Reducible, reduction: "sum" | "max"): Promise<void>;
  allreduceBucket(
    arrays: readonly Float32Array[],
    how: "fast" | "ordered" | "library",
    leaves?: readonly (readonly Float32Array[])[],
  ): Promise<void>;
  gather(mine: Float64Array, all: Float64Array): Promise<void>;
  barrier(): Promise<void>;
  finalize(): Promise<void>;
  /** Ends all ranks; from any thread. */
  abort(code: number): never;
  times(): { readonly workingSeconds: number; readonly waitingSeconds: number };
}

/** Which addon to try first under each launcher. */
const PREFERENCE: Readonly<Record<Launch["launcher"], readonly Implementation[]>> = {
  "Open MPI": ["openmpi"],
  Hydra: ["mpich"],
  PMIx: ["openmpi", "mpich"],
  srun: ["openmpi", "mpich"],
};

/** Which of srun's interfaces is whose. */
export const SRUN_ADVICE =
  "under srun, Open MPI joins with --mpi=pmix, and MPICH with --mpi=pmi2 (srun --mpi=list names what there is)";

export function addonPath(implementation: Implementation): string {
  return join(projectRoot, "build", "mpi", implementation, "asterolab-mpi.node");
}

/**
 * The addon for a launcher.
 *
 * @throws {CommunicatorError} that says what to install and build when there is none, or why it does not load; or that
 *   srun gave it no way to join.
 */
export function loadMpiAddon({ launcher, size }: Launch): { readonly addon: MpiAddon; readonly path: string } {
  const names = preference(launcher);
  const name = launcherName(launcher);
  const found = names.find((name) => existsSync(addonPath(name)));
  if (found === undefined) {
    throw new CommunicatorError(
      `Cannot join the ranks: ${name} started this process, but the addon for ${names.join(" or ")} is not built; ` +
        "install that MPI's compiler (Debian: apt-get install libopenmpi-dev or libmpich-dev) and run `npm run build:mpi`" +
        (name.startsWith("srun") ? `; ${SRUN_ADVICE}` : ""),
      { isRequest: true },
    );
  }
  // Open MPI would end the process while it starts; other builds of MPI may find each other by srun alone.
  if (launcher === "srun" && found === "openmpi" && process.env.ASTEROLAB_MPI === undefined) {
    throw new CommunicatorError(
      `Cannot join the ranks: srun started ${size} processes without an interface by which they find each other; ${SRUN_ADVICE}; ` +
        "ASTEROLAB_MPI=openmpi or mpich tries without",
      { isRequest: true },
    );
  }
  const path = addonPath(found);
  prepareEnvironment();
  try {
    return { addon: require(path) as MpiAddon, path };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CommunicatorError(`Cannot join the ranks: ${path} does not load (${reason}); run \`npm run build:mpi\``, {
      cause,
    });
  }
}

/**
 * Settings of the libraries that must stand before they load; what the user has set stays. Open MPI would replace Node's
 * signal handlers, and UCX, under MPICH, its memory allocator, which crashes V8's threads.
 */
function prepareEnvironment(): void {
  process.env.OMPI_MCA_opal_signal ??= "";
  process.env.UCX_MEM_EVENTS ??= "no";
  process.env.UCX_MEM_MALLOC_HOOKS ??= "no";
  process.env.UCX_ERROR_SIGNALS ??= "";
}

/** ASTEROLAB_MPI names one where the launcher does not tell: srun starts ranks of any MPI. */
function preference(launcher: Launch["launcher"]): readonly Implementation[] {
  const named = process.env.ASTEROLAB_MPI;
  if (named === undefined) return PREFERENCE[launcher];
  if (named === "openmpi" || named === "mpich") return [named];
  throw new CommunicatorError(`Cannot join the ranks: ASTEROLAB_MPI is "${named}", expected openmpi or mpich`, {
    isRequest: true,
  });
}
