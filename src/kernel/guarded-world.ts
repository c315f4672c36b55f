/**
 * The ranks' communicator as cells get it. It counts the calls that all ranks make together, so that the front can tell
 * after a failure whether the ranks are still in step, and it never ends the process.
 */

import type { Communicator } from "../distributed";
import { CommunicatorError } from "../errors";
import type { CollectiveState } from "./channel";
import { namedRanks } from "./rank-directive";

export interface GuardedWorld {
  readonly comm: Communicator;
  /** Names the ranks that run the next cell; undefined for all. */
  setRunning(ranks: readonly number[] | undefined): void;
  state(): CollectiveState;
  /** Resolves when nothing waits for other ranks any more, or after a while. */
  settled(limitMs: number): Promise<void>;
}

const LOOK_MS = 20;

export function guardWorld(world: Communicator): GuardedWorld {
  let begun = 0;
  let running: readonly number[] | undefined;
  const pending: string[] = [];

  async function together<Result>(name: string, call: () => Promise<Result>): Promise<Result> {
    if (running !== undefined && running.length < world.size) {
      throw new CommunicatorError(
        `Cannot call ${name} in a cell that runs on ${namedRanks(running)}: all ${world.size} ranks must take part`,
        { rank: world.rank },
      );
    }
    begun++;
    pending.push(name);
    try {
      return await call();
    } finally {
      pending.splice(pending.indexOf(name), 1);
    }
  }

  const comm: Communicator = {
    rank: world.rank,
    size: world.size,
    host: world.host,
    threads: world.threads,
    describe: () => world.describe(),
    broadcast: (array, root) => together("broadcast", () => world.broadcast(array, root)),
    allreduce: (array, reduction) => together("allreduce", () => world.allreduce(array, reduction)),
    allreduceBucket: (...bucket) => together("allreduceBucket", () => world.allreduceBucket(...bucket)),
    gather: (array) => together("gather", () => world.gather(array)),
    barrier: () => together("barrier", () => world.barrier()),
    times: () => world.times(),
    abort(reason) {
      throw new CommunicatorError(reason, { rank: world.rank, host: world.host });
    },
    // Later cells go on with it; the kernel closes it at its end.
    close: () => together("close", () => world.barrier()),
  };
  return {
    comm,
    setRunning(ranks) {
      running = ranks;
    },
    state: () => ({ begun, pending: [...pending] }),
    async settled(limitMs) {
      for (const end = performance.now() + limitMs; pending.length > 0 && performance.now() < end; ) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      }
    },
  };
}
