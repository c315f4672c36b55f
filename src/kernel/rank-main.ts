/** The process of one rank: started by mpirun, it joins the other ranks before the first cell, and runs the front's cells. */

import { detectLaunch } from "../distributed/launch";
import { openWorld, setWorld } from "../distributed/world";
import { guardWorld } from "./guarded-world";
import { FRONT_VARIABLE, MARKER_VARIABLE, readAddress } from "./rank-address";
import { connectToFront } from "./rank-channels";
import { describeThrown } from "./thrown";
import { startRuntime } from "./user-runtime";

/** What a rank finds its place by, in the names that PyTorch's launchers use, and in which ours look for a GPU. */
const LOCAL_RANK_VARIABLES = ["OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID"];
/** Calls that other ranks have begun, too, are through within moments. */
const SETTLE_MS = 1000;

main().catch((error: unknown) => {
  process.stderr.write(`${describeThrown(error).stack}\n`);
  process.exit(1);
});

async function main(): Promise<void> {
  const { env } = process;
  const launch = detectLaunch();
  const front = env[FRONT_VARIABLE];
  const marker = env[MARKER_VARIABLE] ?? "";
  if (launch === null || front === undefined)
    throw new Error("Cannot run cells on ranks: expected to be started by the kernel");
  // Neither is for the cells' own child processes.
  delete env[FRONT_VARIABLE];
  delete env[MARKER_VARIABLE];
  env.RANK = String(launch.rank);
  env.WORLD_SIZE = String(launch.size);
  const localRank = LOCAL_RANK_VARIABLES.map((name) => env[name]).find((value) => value !== undefined);
  if (localRank !== undefined) env.LOCAL_RANK = localRank;

  const about = { rank: launch.rank, pid: process.pid, isNativeHeard: marker !== "" };
  const channels = await connectToFront(readAddress(front), about);
  const { send } = startRuntime({
    channels,
    marker,
    onCell: ({ ranks }) => world.setRunning(ranks),
    endOf: () => ({ collectives: world.state() }),
    onRequest: ({ kind }) => {
      if (kind === "exit") void leave();
      if (kind === "collectives") void world.settled(SETTLE_MS).then(() => send({ kind, collectives: world.state() }));
    },
  });
  process.on("exit", (code) => {
    try {
      send({ kind: "leave", code });
    } catch {
      // The front has gone first.
    }
  });

  const opened = await openWorld();
  const world = guardWorld(opened);
  setWorld(world.comm);
  send({ kind: "ready" });

  /** The ranks leave together. */
  async function leave(): Promise<void> {
    await opened.close();
    process.exit(0);
  }
}
