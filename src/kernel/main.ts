/** Starts the kernel: `startKernel(connectionFile)` serves until it is told to shut down or its parent is gone. */

import { readFileSync, rmSync } from "node:fs";
import type { ConnectionInfo } from "../notebook/connection";
import { Front } from "./front";
import { KernelServer } from "./server";
import { UserProcess } from "./user-process";

const PARENT_POLL_MS = 500;

export async function startKernel(connectionFile: string): Promise<void> {
  const info = JSON.parse(readFileSync(connectionFile, "utf8")) as ConnectionInfo;
  const server: KernelServer = new KernelServer(info, (request) => front.handle(request));
  const front = new Front({
    server,
    startHost: (events) => new UserProcess(process.cwd(), events),
    onShutdown: () => void leave(),
  });
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
