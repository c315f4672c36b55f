/**
 * A Slurm cluster of two nodes on this machine, on loopback: its own munge key, ports, state and logs in one folder. Its
 * daemons are gone after the test.
 */

import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { withoutRank } from "../../src/distributed/launch";
import { projectRoot } from "../../src/version";
import { temporaryFolder } from "../data/make-shard";

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** As Date.now() tells. */
  readonly endedAt: number;
}

export interface Cluster {
  /** Runs one of Slurm's commands in the project's folder, to its end. */
  run(command: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ran>;
  /** Hands a script in, with flags of sbatch. @returns the number of the job */
  submit(script: string, flags: readonly string[]): Promise<string>;
  /** Waits until a job is over. @returns its state, as `scontrol` writes it, and the exit code of its script */
  ended(job: string): Promise<{ readonly state: string; readonly exitCode: string; readonly endedAt: number }>;
}

const PROGRAMS = ["munged", "slurmctld", "slurmd", "srun", "sbatch", "scancel", "scontrol", "sinfo"];
const NODES = ["node1", "node2"];
const START_MS = 120_000;
/** Well beyond what a job of these tests takes on a busy machine. */
const JOB_MS = 480_000;

/** Why no cluster can be started here; false where it can. */
export function whyNoSlurm(): string | false {
  const missing = PROGRAMS.filter((program) => spawnSync("sh", ["-c", `command -v ${program}`]).status !== 0);
  if (missing.length > 0) {
    return `${missing.join(", ")} not found (Debian: apt-get install slurmctld slurmd slurm-client munge)`;
  }
  return process.getuid?.() === 0 ? false : "Slurm's daemons are started as root only";
}

/** The interfaces to MPI that this Slurm has. */
export async function interfacesOf(cluster: Cluster): Promise<string[]> {
  const { stdout, stderr } = await cluster.run(["srun", "--mpi=list"]);
  return [...`${stdout}${stderr}`.matchAll(/^\s+(\w+)$/gm)].map(([, name]) => name!);
}

export async function startCluster(t: TestContext): Promise<Cluster> {
  const folder = temporaryFolder(t);
  chmodSync(folder, 0o755); // munged asks for it
  const socket = join(folder, "munge.socket");
  writeFileSync(join(folder, "munge.key"), randomBytes(128), { mode: 0o600 });
  writeConfigurations(folder, socket, await freePorts(1 + NODES.length));
  const env = { ...withoutSlurm(), SLURM_CONF: join(folder, "slurm.conf"), NO_COLOR: "1" };
  const daemons: ChildProcess[] = [];
  const start = (program: string, args: readonly string[], conf = env.SLURM_CONF): void => {
    daemons.push(spawn(program, args, { cwd: folder, env: { ...env, SLURM_CONF: conf }, stdio: "ignore" }));
  };
  const run = (command: readonly string[], extra: Readonly<Record<string, string>> = {}): Promise<Ran> =>
    new Promise((resolve) => {
      const options = { cwd: projectRoot, env: { ...env, ...extra }, timeout: JOB_MS };
      const child = execFile(command[0]!, command.slice(1), options, (_, stdout, stderr) =>
        resolve({ code: child.exitCode ?? -1, stdout, stderr, endedAt: Date.now() }),
      );
    });
  t.after(async () => {
    await run(["scancel", "--signal=KILL", "--user=root"]);
    await run(["scancel", "--user=root"]);
    for (let attempt = 0; attempt < 50 && (await run(["squeue", "--noheader"])).stdout !== ""; attempt++) {
      await sleep(200);
    }
    for (const daemon of daemons.reverse()) await end(daemon);
  });

  start("munged", [
    ...["--foreground", "--force", "--num-threads=2", `--socket=${socket}`, `--key-file=${join(folder, "munge.key")}`],
    ...[`--pid-file=${join(folder, "munge.pid")}`, `--seed-file=${join(folder, "munge.seed")}`],
  ]);
  await until("munged", folder, async () => existsSync(socket));
  start("slurmctld", ["-D"]);
  for (const node of NODES) start("slurmd", ["-D", "-N", node], join(folder, node, "slurm.conf"));
  await until("the nodes", folder, async () => {
    const { stdout } = await run(["sinfo", "--noheader", "--Node", "--format=%T"]);
    return stdout.trim() === NODES.map(() => "idle").join("\n");
  });

  return {
    run,
    submit: async (script, flags) => {
      const path = join(folder, `job-${randomBytes(4).toString("hex")}.sh`);
      writeFileSync(path, script);
      const { code, stdout, stderr } = await run(["sbatch", "--parsable", ...flags, path]);
      if (code !== 0) throw new Error(`Cannot hand in "${path}": ${stderr}`);
      return stdout.trim();
    },
    ended: async (job) => {
      const overAt = Date.now() + JOB_MS;
      for (;;) {
        const { stdout } = await run(["scontrol", "show", "job", job]);
        const state = /JobState=(\S+)/.exec(stdout)?.[1] ?? "";
        const exitCode = /ExitCode=(\S+)/.exec(stdout)?.[1] ?? "";
        if (!/^(PENDING|CONFIGURING|RUNNING|COMPLETING|)$/.test(state)) return { state, exitCode, endedAt: Date.now() };
        if (Date.now() > overAt) throw new Error(`Job ${job} is still ${state} after ${JOB_MS / 1000} s`);
        await sleep(250);
      }
    },
  };
}

/** The controller's and commands' file, and the same beside each node's own `mpi.conf`: the nodes share /tmp. */
function writeConfigurations(folder: string, socket: string, [port, ...nodePorts]: readonly number[]): void {
  const nodes = NODES.map(
    (node, index) => `NodeName=${node} NodeHostname=${hostname()} NodeAddr=127.0.0.1 Port=${nodePorts[index]} CPUs=4`,
  );
  const text = `${[
    "ClusterName=asterolab",
    `SlurmctldHost=${hostname()}(127.0.0.1)`,
    `SlurmctldPort=${port}`,
    "SlurmUser=root",
    "SlurmdUser=root",
    "AuthType=auth/munge",
    `AuthInfo=socket=${socket}`,
    "CredType=cred/munge",
    `SlurmctldPidFile=${folder}/slurmctld.pid`,
    `SlurmdPidFile=${folder}/slurmd-%n.pid`,
    `SlurmctldLogFile=${folder}/slurmctld.log`,
    `SlurmdLogFile=${folder}/slurmd-%n.log`,
    `StateSaveLocation=${folder}/state`,
    `SlurmdSpoolDir=${folder}/spool-%n`,
    "ProctrackType=proctrack/linuxproc",
    "TaskPlugin=task/none",
    "JobAcctGatherType=jobacct_gather/none",
    "AccountingStorageType=accounting_storage/none",
    "SelectType=select/cons_tres",
    "SelectTypeParameters=CR_CPU",
    "SlurmdParameters=config_overrides", // more cores than there are
    "MailProg=/bin/true",
    "ReturnToService=2",
    "KillWait=30",
    ...nodes,
    "PartitionName=all Nodes=ALL Default=YES State=UP",
  ].join("\n")}\n`;
  mkdirSync(join(folder, "state"));
  writeFileSync(join(folder, "slurm.conf"), text);
  for (const node of NODES) {
    const own = join(folder, node);
    mkdirSync(own);
    mkdirSync(join(folder, `spool-${node}`));
    writeFileSync(join(own, "slurm.conf"), text);
    writeFileSync(join(own, "mpi.conf"), `PMIxCliTmpDirBase=${own}\n`);
  }
}

async function until(what: string, folder: string, isReady: () => Promise<boolean>): Promise<void> {
  for (const overAt = Date.now() + START_MS; Date.now() < overAt; await sleep(100)) if (await isReady()) return;
  const logs = readdirSync(folder).filter((name) => name.endsWith(".log"));
  const words = logs.map((name) => `${name}: ${readFileSync(join(folder, name), "utf8").slice(-2000)}`);
  throw new Error(`Cannot start a Slurm cluster: ${what} did not answer in ${START_MS / 1000} s\n${words.join("\n")}`);
}

async function end(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null || daemon.pid === undefined) return;
  const closed = new Promise((resolve) => daemon.once("close", resolve));
  daemon.kill("SIGTERM");
  const timer = setTimeout(() => daemon.kill("SIGKILL"), 10_000);
  await closed;
  clearTimeout(timer);
}

/** The environment without a job's own variables, should the tests themselves run in one. */
function withoutSlurm(): Record<string, string> {
  return Object.fromEntries(Object.entries(withoutRank()).filter(([name]) => !/^(SLURM|SBATCH|SRUN)_/.test(name)));
}

function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  return Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) => {
          server.once("listening", () => {
            const { port } = server.address() as { port: number };
            server.close(() => resolve(port));
          });
        }),
    ),
  );
}
