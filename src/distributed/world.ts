/** The one communicator of this process. */

import type { Communicator } from "./communicator";
import { detectLaunch } from "./launch";
import { openMpi } from "./mpi";
import { singleCommunicator } from "./single";

/** Under a symbol: a kernel runs from its sources where the package it serves is compiled, and MPI is joined once. */
const WORLD = Symbol.for("asterolab.world");
const place = globalThis as { [WORLD]?: Promise<Communicator> };

/**
 * Joins the ranks when a launcher (mpirun, srun) started this process, and is a world of one rank otherwise. Later calls
 * give the same communicator; `close` it at the end.
 *
 * @throws {CommunicatorError} when the ranks cannot be joined.
 */
export function openWorld(): Promise<Communicator> {
  place[WORLD] ??= open();
  return place[WORLD];
}

/** From now on, `openWorld` gives this one. */
export function setWorld(comm: Communicator): void {
  place[WORLD] = Promise.resolve(comm);
}

async function open(): Promise<Communicator> {
  const launch = detectLaunch();
  return launch === null || launch.size === 1 ? singleCommunicator() : openMpi(launch);
}
