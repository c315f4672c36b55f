/** One rank of a training run for the tests; at a given step it may come to harm. */

import type { ConfigSpec } from "../../../src/config";
import { openWorld } from "../../../src/distributed";
import { train } from "../../../src/train/loop";
import { tinyConfig } from "../../train/tiny-run";

export type Fault = "throw" | "kill" | "stop" | "memory" | "exit";

export interface TrainRankArgument {
  readonly data: string;
  readonly path: string;
  readonly restore?: boolean;
  readonly spec?: ConfigSpec;
  readonly fault?: { readonly kind: Fault; readonly rank: number; readonly step: number };
  /** Rank 1 asks to stop after this step. */
  readonly stopAt?: number;
  /** Slows each step down. */
  readonly stepMs?: number;
}

const argument = JSON.parse(process.argv[2]!) as TrainRankArgument;
process.stdout.write(`pid ${process.pid}\n`);

void (async () => {
  const { data, path, restore = false, spec = {}, fault, stopAt, stepMs = 0 } = argument;
  const comm = await openWorld();
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

function harm(kind: Fault): void {
  if (kind === "throw") throw new Error("the roof fell in");
  if (kind === "exit") process.exit(0);
  if (kind === "kill") process.kill(process.pid, "SIGKILL");
  if (kind === "stop") process.kill(process.pid, "SIGSTOP");
  if (kind === "memory") {
    const hoard: number[][] = [];
    for (;;) hoard.push(new Array<number>(100_000).fill(0.5));
  }
}
