/** One rank of a training run for the tests; at a given step it may come to harm. */

import * as fs from "node:fs";
import type { ConfigSpec } from "../../../src/config";
import { Dataset } from "../../../src/data/dataset";
import type { BatchOptions } from "../../../src/data/source";
import { openWorld } from "../../../src/distributed";
import { train } from "../../../src/train/loop";
import { tinyConfig } from "../../train/tiny-run";

export type Fault = "throw" | "kill" | "stop" | "memory" | "exit" | "hang" | "disk";

export interface TrainRankArgument {
  readonly data: string;
  readonly path: string;
  readonly restore?: boolean;
  readonly spec?: ConfigSpec;
  readonly fault?: { readonly kind: Fault; readonly rank: number; readonly step: number };
  /** Rank 1 asks to stop after this step. */
  readonly stopAt?: number;
  /** The rank's rows of the training batches that begin at `start` hold a NaN. */
  readonly nan?: { readonly rank: number; readonly start: number };
  /** Slows each step down. */
  readonly stepMs?: number;
}

const argument = JSON.parse(process.argv[2]!) as TrainRankArgument;
process.stdout.write(`pid ${process.pid}\n`);

void (async () => {
  const { data, path, restore = false, spec = {}, fault, stopAt, nan, stepMs = 0 } = argument;
  const comm = await openWorld();
  if (nan?.rank === comm.rank) poison(nan.start);
  const stop = new AbortController();
  process.on("SIGUSR1", () => stop.abort());
  const losses: number[] = [];
  const result = await train(tinyConfig(data, { engine: "native", threads: 1, ...spec }), {
    path,
    restore,
    signal: stop.signal,
    onEvent(event) {
      if (event.kind !== "train") return;
      losses.push(event.loss);
      if (stepMs > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, stepMs);
      if (event.step === stopAt && comm.rank === 1) stop.abort();
      if (fault?.rank === comm.rank && fault.step === event.step) harm(fault.kind);
    },
  });
  if (comm.rank === 0) {
    const { stopped, step, epoch } = result;
    process.stdout.write(`result ${JSON.stringify({ losses, stopped, step, epoch, validation: result.validation })}\n`);
  }
  await comm.close();
})();

function poison(at: number): void {
  const { batches } = Dataset.prototype;
  Dataset.prototype.batches = async function* (this: Dataset, options: BatchOptions) {
    let start = options.start ?? 0;
    for await (const batch of batches.call(this, options)) {
      if (this.rows === 16 && start === at) batch.spectra[0] = Number.NaN; // 16 rows to train on, 8 to validate
      start = batch.nextStart;
      yield batch;
    }
  };
}

function harm(kind: Fault): void {
  fs.writeSync(1, `harm ${Date.now()}\n`);
  if (kind === "throw") throw new Error("the roof fell in");
  if (kind === "exit") process.exit(0);
  if (kind === "kill") process.kill(process.pid, "SIGKILL");
  if (kind === "hang") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  if (kind === "disk") fillDisk();
  if (kind === "stop") process.kill(process.pid, "SIGSTOP");
  if (kind === "memory") {
    const hoard: number[][] = [];
    for (;;) hoard.push(new Array<number>(100_000).fill(0.5));
  }
}

/** From now on nothing can be written to any file, the log included. */
function fillDisk(): void {
  const { writeSync } = fs;
  Object.assign(require("node:fs"), {
    writeSync(fd: number, ...rest: [Uint8Array]) {
      if (fd <= 2) return writeSync(fd, ...rest);
      throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC", syscall: "write" });
    },
  });
}
