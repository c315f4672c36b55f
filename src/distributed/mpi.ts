/** The communicator over MPI: joins the ranks, checks that the launcher and the library agree, and watches them. */

import { createHash } from "node:crypto";
import { readFileSync, writeSync } from "node:fs";
import { availableParallelism } from "node:os";
import { counted } from "../counted";
import { CommunicatorError } from "../errors";
import { maybeKernelHooks } from "../kernel/hooks";
import { loadMpiAddon, type MpiAddon, SRUN_ADVICE } from "./addon";
import type { Communicator } from "./communicator";
import { type Launch, launcherName } from "./launch";
import { type Meeting, Watch } from "./watch";

/**
 * Joins the ranks that a launcher has started; all of them must call this.
 *
 * @throws {CommunicatorError} when the addon is missing, or was built with another MPI than the launcher's.
 */
export async function openMpi(launch: Launch): Promise<Communicator> {
  const { addon, path } = loadMpiAddon(launch);
  const { rank, size, nodes, host, library } = await addon.init();
  const libraryName = library.split(/[\n,]/)[0]!.replace(/\s+/g, " ").trim();
  if (size === 1 && launch.size > 1) {
    const launcher = launcherName(launch.launcher);
    throw new CommunicatorError(
      `Cannot join the ranks: ${launcher} started ${launch.size} processes, but ${libraryName}, with which the ` +
        "addon was built, sees each alone; build the addon with the launcher's own mpicxx (MPICXX=... npm run build:mpi)" +
        (launcher.startsWith("srun") ? `; ${SRUN_ADVICE}` : ""),
      { isRequest: true },
    );
  }
  const meeting = rank === 0 ? null : await receiveMeeting(addon);
  const watch = await Watch.start({ rank, size, host, addonPath: path, meeting });
  if (rank === 0) await sendMeeting(addon, watch.meeting);

  let isClosed = false;
  const abort = (reason: string): never => {
    writeSync(2, `asterolab: rank ${rank} on ${host}: ${reason}\n`);
    watch.tell(reason);
    return addon.abort(1);
  };
  // Whatever ends this process, the others must not wait for it. What a cell throws ends the cell alone.
  if (maybeKernelHooks() === undefined) {
    process.on("uncaughtException", (error) =>
      abort(error instanceof Error ? (error.stack ?? error.message) : String(error)),
    );
  }
  process.on("exit", (code) => {
    if (!isClosed) abort(`left with exit code ${code} before the others`);
  });

  const gather = async (array: Float64Array): Promise<Float64Array> => {
    const all = new Float64Array(array.length * size);
    await watch.during(addon.gather(array, all));
    return all;
  };
  return {
    rank,
    size,
    host,
    threads: await ownThreads(host, gather),
    describe: () =>
      `rank ${rank} of ${size} on ${host} (process ${process.pid}), ${counted(nodes, "machine")}, ${libraryName}`,
    broadcast: (array, root = 0) => watch.during(addon.broadcast(array, root)),
    allreduce: (array, reduction) => watch.during(addon.allreduce(array, reduction)),
    allreduceBucket: (arrays, how, leaves) => watch.during(addon.allreduceBucket(arrays, how, leaves)),
    gather,
    barrier: () => watch.during(addon.barrier()),
    times: () => addon.times(),
    abort,
    async close() {
      if (isClosed) return;
      await addon.barrier();
      await watch.relax();
      await addon.barrier();
      isClosed = true;
      await watch.close();
      await addon.finalize();
    },
  };
}

/**
 * The cores this process may use, divided by the ranks that may use the very same: launchers bind ranks to cores of their
 * own, to a socket, or not at all.
 */
async function ownThreads(host: string, gather: (array: Float64Array) => Promise<Float64Array>): Promise<number> {
  const digest = createHash("sha256").update(`${host} ${allowedCores()}`).digest();
  const place = digest.readUIntBE(0, 6);
  const sharing = (await gather(Float64Array.of(place))).filter((other) => other === place).length;
  return Math.max(1, Math.floor(availableParallelism() / sharing));
}

/** The cores the system lets this process run on, in words; empty where it does not say. */
function allowedCores(): string {
  try {
    return /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "";
  } catch {
    return "";
  }
}

async function sendMeeting(addon: MpiAddon, meeting: Meeting): Promise<void> {
  const bytes = new TextEncoder().encode(JSON.stringify(meeting));
  await addon.broadcast(Float64Array.of(bytes.length), 0);
  await addon.broadcast(bytes, 0);
}

async function receiveMeeting(addon: MpiAddon): Promise<Meeting> {
  const length = new Float64Array(1);
  await addon.broadcast(length, 0);
  const bytes = new Uint8Array(length[0]!);
  await addon.broadcast(bytes, 0);
  return JSON.parse(new TextDecoder().decode(bytes)) as Meeting;
}
