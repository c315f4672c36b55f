/**
 * Ends what a launcher leaves behind when a machine is cut off: mpirun waits for its daemon over there, and the daemon for
 * mpirun, until TCP gives up after a quarter of an hour. Linux only; elsewhere nothing is done.
 */

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { withoutRank } from "./launch";

const LAUNCHER = /^(mpirun|mpiexec|orterun|prterun)/;
/** What starts the ranks of a machine on which mpirun itself does not run. */
const DAEMON = /^(orted|prted|hydra_pmi_proxy)/;
const STARTER = new RegExp(`${LAUNCHER.source}|${DAEMON.source}`);
/** How long mpirun may take to end by itself. */
const LAUNCHER_SECONDS = 8;
const GENERATIONS = 4;

/** A process, and when it began: its number alone may later be another's. */
export interface ProcessIdentity {
  readonly host: string;
  readonly pid: number;
  /** As the kernel counts it; empty where it does not tell. */
  readonly startedAt: string;
}

export function ownIdentity(host: string): ProcessIdentity {
  return { host, pid: process.pid, startedAt: statusOf(process.pid)?.startedAt ?? "" };
}

/** Ends a stopped rank of this machine: it heeds no other signal, and not every launcher sends this one. */
export function endStopped({ host, pid, startedAt }: ProcessIdentity, ownHost: string): void {
  if (host !== ownHost || startedAt === "" || statusOf(pid)?.startedAt !== startedAt) return;
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended, or is not ours to end.
  }
}

/** Ends the daemon that started this process; nothing is done where mpirun did so itself. */
export function endDaemon(): void {
  const starter = maybeAncestor(STARTER);
  if (starter === null || !DAEMON.test(statusOf(starter)?.name ?? "")) return;
  try {
    process.kill(starter, "SIGKILL");
  } catch {
    // It has ended, or is not ours to end.
  }
}

/** Waits for $1 seconds, then ends process $2 if it is still the one that began at $3: the number may be another's by then. */
const END_LATER = `sleep "$1"; [ "$(sed 's/.*) //' "/proc/$2/stat" | cut -d ' ' -f 20)" = "$3" ] && kill -9 "$2"`;

/** Ends the mpirun that started this process in a while, if it is still there; this process will not be. */
export function endLauncherLater(): void {
  const launcher = maybeAncestor(LAUNCHER);
  const startedAt = launcher === null ? undefined : statusOf(launcher)?.startedAt;
  if (startedAt === undefined) return;
  const values = [LAUNCHER_SECONDS, launcher, startedAt].map(String);
  spawn("sh", ["-c", END_LATER, "sh", ...values], { detached: true, stdio: "ignore", env: withoutRank() }).unref();
}

/** The nearest ancestor whose program has such a name. */
function maybeAncestor(name: RegExp): number | null {
  let pid = process.ppid;
  for (let generation = 0; generation < GENERATIONS && pid > 1; generation++) {
    const status = statusOf(pid);
    if (status === null) return null;
    if (name.test(status.name)) return pid;
    pid = status.parent;
  }
  return null;
}

function statusOf(pid: number): { name: string; parent: number; startedAt: string } | null {
  try {
    const [, name, rest] = /^\d+ \((.*)\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))!;
    const fields = rest!.trim().split(" "); // from field 3, the state
    return { name: name!, parent: Number(fields[1]), startedAt: fields[19]! };
  } catch {
    return null;
  }
}
