/** The connection file a client and a kernel share: five local ports and the key that signs their messages. */

import { randomBytes, randomInt } from "node:crypto";
import { lstat, mkdir, open, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { NotebookError } from "../errors";
import { errorCode } from "../files";

/** The content of a connection file, with the protocol's names. */
export interface ConnectionInfo {
  readonly transport: "tcp";
  readonly ip: string;
  readonly shell_port: number;
  readonly control_port: number;
  readonly iopub_port: number;
  readonly stdin_port: number;
  readonly hb_port: number;
  readonly key: string;
  readonly signature_scheme: "hmac-sha256";
  readonly kernel_name: string;
}

export interface ConnectionFile {
  readonly path: string;
  readonly info: ConnectionInfo;
  /** Deletes the file, and with it the key. */
  remove(): Promise<void>;
}

const LOCALHOST = "127.0.0.1";

/** Picks free ports and a fresh key, and writes them where only this user can read them. */
export async function createConnectionFile(kernelName: string): Promise<ConnectionFile> {
  const [shell, control, iopub, stdin, hb] = await freePorts(5);
  const info: ConnectionInfo = {
    transport: "tcp",
    ip: LOCALHOST,
    shell_port: shell!,
    control_port: control!,
    iopub_port: iopub!,
    stdin_port: stdin!,
    hb_port: hb!,
    key: randomBytes(32).toString("hex"),
    signature_scheme: "hmac-sha256",
    kernel_name: kernelName,
  };
  const folder = await runtimeFolder();
  const path = join(folder, `kernel-asterolab-${process.pid}-${randomBytes(6).toString("hex")}.json`);
  // "wx" refuses a file that someone else put there; the mode is set at creation, not afterwards.
  const handle = await open(path, "wx", 0o600);
  try {
    await handle.writeFile(JSON.stringify(info, null, 1));
  } finally {
    await handle.close();
  }
  return { path, info, remove: () => rm(path, { force: true }) };
}

/**
 * Jupyter's runtime folder where it can be made, a private temporary one otherwise.
 *
 * @throws {NotebookError} when somebody else has made that one: who owns the folder could put another key in place.
 */
async function runtimeFolder(): Promise<string> {
  const wanted = process.env.JUPYTER_RUNTIME_DIR ?? join(dataFolder(), "runtime");
  try {
    await mkdir(wanted, { recursive: true, mode: 0o700 });
    return wanted;
  } catch {
    const fallback = join(tmpdir(), `asterolab-runtime-${process.getuid?.() ?? "user"}`);
    await mkdir(fallback, { recursive: true, mode: 0o700 });
    const { uid, mode } = await lstat(fallback);
    if (process.getuid !== undefined && (uid !== process.getuid() || (mode & 0o022) !== 0)) {
      throw new NotebookError(
        `Cannot keep the kernel's key in "${fallback}": others may write there; name a folder in JUPYTER_RUNTIME_DIR`,
        { path: fallback },
      );
    }
    return fallback;
  }
}

/** The user's Jupyter data folder, as `jupyter --data-dir` prints it. */
export function dataFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.JUPYTER_DATA_DIR) return env.JUPYTER_DATA_DIR;
  if (process.platform === "darwin") return join(homedir(), "Library", "Jupyter");
  if (process.platform === "win32" && env.APPDATA) return join(env.APPDATA, "jupyter");
  return join(env.XDG_DATA_HOME || join(homedir(), ".local", "share"), "jupyter");
}

/**
 * Ports nobody listens on: all are held open until the last is known, so that they differ. They lie below the range
 * from which systems number outgoing connections; in it, a client that knocks before the kernel is up may itself be
 * given a port that the kernel is about to bind.
 */
async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  while (servers.length < count) {
    const server = await listen(randomInt(FIRST_PORT, LAST_PORT));
    if (server !== undefined) servers.push(server);
  }
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

const FIRST_PORT = 15_000;
const LAST_PORT = 32_000;

/** A server on `port`, or nothing when the port is taken. */
function listen(port: number): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error) => (errorCode(error) === "EADDRINUSE" ? resolve(undefined) : reject(error)));
    server.listen(port, LOCALHOST, () => resolve(server));
  });
}
