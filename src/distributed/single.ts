/** A world of one rank: needs no MPI, and every operation leaves its numbers as they are. */

import { availableParallelism, hostname } from "node:os";
import type { Communicator } from "./communicator";

/** The world of a process that was started by itself. */
export function singleCommunicator(): Communicator {
  const done = async (): Promise<void> => undefined;
  return {
    rank: 0,
    size: 1,
    host: hostname(),
    threads: availableParallelism(),
    describe: () => "one rank",
    broadcast: done,
    allreduce: done,
    allreduceBucket: done,
    gather: async (array) => array.slice(),
    barrier: done,
    times: () => ({ workingSeconds: 0, waitingSeconds: 0 }),
    abort(reason) {
      throw new Error(reason);
    },
    close: done,
  };
}
