/** The one communicator of this process. */

import type { Communicator } from "./communicator";
import { detectLaunch } from "./launch";
import { openMpi } from "./mpi";
import { singleCommunicator } from "./single";

let opened: Promise<Communicator> | undefined;

/**
 * Joins the ranks when a launcher (mpirun, srun) started this process, and is a world of one rank otherwise. Later calls
 * give the same communicator; `close` it at the end.
 *
 * @throws {CommunicatorError} when the ranks cannot be joined.
 */
export function openWorld(): Promise<Communicator> {
  opened ??= open();
  return opened;
}

async function open(): Promise<Communicator> {
  const launch = detectLaunch();
  return launch === null || launch.size === 1 ? singleCommunicator() : openMpi(launch);
}
