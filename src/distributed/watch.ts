/**
 * Watches that every rank is alive. MPI itself waits for ever for a rank that was stopped or cut off, so each process has
 * a thread of its own (watch-worker.ts) that says so once a second: to rank 0, and rank 0's to all.
 */

import { randomBytes } from "node:crypto";
import { networkInterfaces } from "node:os";
import { extname, join } from "node:path";
import { Worker } from "node:worker_threads";
import { CommunicatorError } from "../errors";
import { projectRoot } from "../version";
import { ownIdentity, type ProcessIdentity } from "./orphans";
import { Pulse, type PulseCounters } from "./pulse";

/** Where rank 0 listens; the others try each address. */
export interface Meeting {
  readonly addresses: readonly string[];
  readonly port: number;
  /** Tells this job's rank 0 from whatever else listens at such an address. */
  readonly token: string;
  /** Rank 0's. */
  readonly process: ProcessIdentity;
}

/** What the worker is started with. */
export interface WatchSettings {
  readonly rank: number;
  readonly size: number;
  readonly host: string;
  readonly silenceSeconds: number;
  readonly hangSeconds: number;
  /** A main thread may compute for this many times the longest that it has computed before. */
  readonly patience: number;
  readonly pulse: PulseCounters;
  /** Of the MPI addon, whose `abort` ends all ranks. */
  readonly addonPath: string;
  /** Where rank 0 listens; for rank 0 the token alone counts. */
  readonly meeting: Meeting;
  /** Set to 1 by the worker when the reason for an abort is on its way. */
  readonly told: Int32Array;
}

/** From the main thread to the worker. */
export type WatchRequest = { readonly kind: "relax" } | { readonly kind: "tell"; readonly reason: string };
/** From the worker to the main thread. */
export type WatchAnswer = { readonly kind: "open"; readonly port: number } | { readonly kind: "relaxed" };

/** How long a rank may be silent before the job ends; a stopped rank ends it well within half a minute. */
const SILENCE_SECONDS = 12;
/** How long a rank's main thread may compute without a pause while others wait for it, unless a user sets a limit. */
const HANG_SECONDS = 120;
const PATIENCE = 20;
const TELL_MS = 1000;

export class Watch {
  private constructor(
    private readonly worker: Worker,
    readonly meeting: Meeting,
    private readonly told: Int32Array,
    private readonly pulse: Pulse,
  ) {}

  /** Rank 0 starts first, without a meeting, and tells the others its own. */
  static async start(options: {
    readonly rank: number;
    readonly size: number;
    readonly host: string;
    readonly addonPath: string;
    readonly meeting: Meeting | null;
  }): Promise<Watch> {
    const own = {
      addresses: ownAddresses(),
      port: 0,
      token: randomBytes(16).toString("hex"),
      process: ownIdentity(options.host),
    };
    const meeting = options.meeting ?? own;
    const told = new Int32Array(new SharedArrayBuffer(4));
    const silenceSeconds = secondsOf("ASTEROLAB_SILENCE_SECONDS", SILENCE_SECONDS);
    const hangSeconds = secondsOf("ASTEROLAB_HANG_SECONDS", HANG_SECONDS);
    const patience = process.env.ASTEROLAB_HANG_SECONDS === undefined ? PATIENCE : 0;
    const pulse = new Pulse();
    const limits = { silenceSeconds, hangSeconds, patience };
    const worker = startWorker({ ...options, ...limits, meeting, told, pulse: pulse.counters });
    const answer = await answerOf(worker, "open");
    return new Watch(worker, { ...meeting, port: answer.kind === "open" ? answer.port : 0 }, told, pulse);
  }

  /** Notes an operation that all ranks take part in: a rank whose main thread hangs meanwhile ends the job. */
  during<Result>(operation: Promise<Result>): Promise<Result> {
    return this.pulse.during(operation);
  }

  /** Tells rank 0 why this rank is about to end, so that it is not taken for killed. Blocks for a second at most. */
  tell(reason: string): void {
    this.worker.postMessage({ kind: "tell", reason } satisfies WatchRequest);
    Atomics.wait(this.told, 0, 0, TELL_MS);
  }

  /** From now on others may go: all ranks do this before any of them calls `close`. */
  async relax(): Promise<void> {
    const relaxed = answerOf(this.worker, "relaxed");
    this.worker.postMessage({ kind: "relax" } satisfies WatchRequest);
    await relaxed;
  }

  async close(): Promise<void> {
    this.pulse.stop();
    await this.worker.terminate();
  }
}

function secondsOf(name: string, otherwise: number): number {
  const text = process.env[name];
  if (text === undefined) return otherwise;
  const seconds = Number(text);
  if (seconds >= 2) return seconds;
  throw new CommunicatorError(`${name} is "${text}", expected a number of at least 2`, {
    isRequest: true,
  });
}

/** Addresses at which other machines, and other processes here, may reach this one. */
function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const outside = all.filter(({ internal, address }) => !internal && !address.startsWith("fe80:"));
  return [...outside.map(({ address }) => address), "127.0.0.1"];
}

function answerOf(worker: Worker, kind: WatchAnswer["kind"]): Promise<WatchAnswer> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void =>
      reject(new CommunicatorError(`Cannot watch the ranks: ${cause.message}`, { cause }));
    worker.ref();
    worker.once("error", fail);
    worker.once("exit", () => fail(new Error("the watching thread ended")));
    worker.on("message", (answer: WatchAnswer) => {
      if (answer.kind !== kind) return;
      worker.unref();
      resolve(answer);
    });
  });
}

/** Starts watch-worker.js beside this file, or watch-worker.ts when the sources run through ts-node. */
function startWorker(workerData: WatchSettings): Worker {
  const extension = extname(__filename);
  const file = join(__dirname, `watch-worker${extension}`);
  if (extension !== ".ts") return new Worker(file, { workerData });
  return new Worker(file, {
    workerData,
    execArgv: ["--require", require.resolve("ts-node/register")],
    env: { ...process.env, TS_NODE_PROJECT: join(projectRoot, "tsconfig.json") },
  });
}
