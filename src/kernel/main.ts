/**
 * Starts a kernel: `startKernel(connectionFile)` serves until it is told to shut down or its parent is gone. With a
 * number of ranks, each cell runs on all of them.
 */

import { readFileSync, rmSync } from "node:fs";
import type { ConnectionInfo } from "../notebook/connection";
import type { StartHost } from "./cell-host";
import { Front } from "./front";
import { RankCells } from "./rank-cells";
import { LOGS_VARIABLE, RankLogs } from "./rank-logs";
import { KernelServer } from "./server";
import { UserProcess } from "./user-process";
import { worldSize } from "./world-size";

const PARENT_POLL_MS = 500;

/** @param options words after the connection file: `--ranks N` makes it the kernel of ranks */
export async function startKernel(connectionFile: string, ...options: readonly string[]): Promise<void> {
  const info = JSON.parse(readFileSync(connectionFile, "utf8")) as ConnectionInfo;
  const ranks = options[0] === "--ranks" ? worldSize(Number(options[1])) : undefined;
  const server: KernelServer = new KernelServer(info, (request) => front.handle(request));
  const front = new Front({ server, startHost: hostOf(ranks ?? 1), ranks, onShutdown: () => void leave() });
  const parent = process.ppid;

  async function leave(): Promise<void> {
    await Promise.race([server.close(), new Promise((resolve) => setTimeout(resolve, 1000))]);
    process.exit(0);
  }

  setInterval(() => {
    if (process.ppid === parent) return;
    rmSync(connectionFile, { force: true }); // nobody else removes it now
    process.exit(1); // the cells' process and the compiler end with this one
  }, PARENT_POLL_MS);
  process.on("SIGINT", () => front.interrupt());
  process.on("SIGTERM", () => void front.stop().then(() => process.exit(143)));
  await server.start();
  server.publish(undefined, "status", { execution_state: "starting" });
}

/** One rank is a process as any other, and needs no MPI. */
function hostOf(ranks: number): StartHost {
  const folder = process.cwd();
  if (ranks === 1) return (events) => new UserProcess(folder, events);
  let isDelayed = false;
  const onStart = (hasStarted: boolean): void => {
    isDelayed = !hasStarted;
  };
  const prefix = process.env[LOGS_VARIABLE];
  delete process.env[LOGS_VARIABLE]; // of this run, not of those that its cells start
  const logs = prefix === undefined ? undefined : new RankLogs(prefix, ranks);
  return (events) => new RankCells({ folder, ranks, logs, isDelayed, onStart }, events);
}
