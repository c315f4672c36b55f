/** Worker threads that simulate blocks of shard rows; the blocks come back in the order they were asked for. */

import { extname, join } from "node:path";
import { Worker } from "node:worker_threads";
import type { Filter } from "../config";
import type { Preparation } from "../data/prepare-spectrum";
import { projectRoot } from "../version";
import type { Observation } from "./observation";
import type { PriorName } from "./priors";

/** Rows `firstRow` to `firstRow + rows - 1` of a shard. */
export interface Block {
  readonly shard: number;
  readonly firstRow: number;
  readonly rows: number;
}

export interface PoolSettings {
  readonly seed: number;
  readonly prior: PriorName;
  /** Stars that do not pass are drawn again; default: all pass. */
  readonly filter?: readonly Filter[];
  /** How the stars are observed; absent: for the time of the network's grid, without gaps. */
  readonly observation?: Observation;
  /** What is done to a spectrum before it goes into its row; absent: nothing. */
  readonly preparation?: Preparation;
}

export interface BlockRequest extends Block {
  /** Transferred to the worker and back. */
  readonly buffer: ArrayBuffer;
}

export interface BlockResult {
  readonly buffer: ArrayBuffer;
}

/** Blocks in the making or waiting per worker: what it works on, and enough for a consumer that takes several at once. */
const BLOCKS_PER_WORKER = 4;

/**
 * Simulates `blocks` on `workers` threads and yields the values of each, [rows * rowLength], in order. The memory of a
 * block is used again once the next one is asked for.
 *
 * @throws {Error} when a worker fails; the signal's reason when it is aborted.
 */
export async function* simulateBlocks(
  blocks: Iterable<Block>,
  settings: PoolSettings,
  options: { workers: number; rowLength: number; largestBlock: number; signal?: AbortSignal | undefined },
): AsyncGenerator<Float32Array> {
  const { workers, rowLength, largestBlock, signal } = options;
  const bufferBytes = 4 * rowLength * largestBlock;
  const free: ArrayBuffer[] = [];
  const pending: { rows: number; buffer: Promise<ArrayBuffer> }[] = [];
  const threads = Array.from({ length: workers }, () => new BlockWorker(settings));
  const waiting = blocks[Symbol.iterator]();
  try {
    for (;;) {
      while (pending.length < BLOCKS_PER_WORKER * workers) {
        const block = waiting.next();
        if (block.done) break;
        const thread = threads.reduce((idlest, other) => (other.load < idlest.load ? other : idlest));
        const buffer = thread.simulate({ ...block.value, buffer: free.pop() ?? new ArrayBuffer(bufferBytes) });
        buffer.catch(() => {}); // reported where it is awaited
        pending.push({ rows: block.value.rows, buffer });
      }
      const next = pending.shift();
      if (next === undefined) return;
      const buffer = await next.buffer;
      signal?.throwIfAborted();
      yield new Float32Array(buffer, 0, next.rows * rowLength);
      free.push(buffer);
    }
  } finally {
    await Promise.all(threads.map((thread) => thread.stop()));
  }
}

class BlockWorker {
  private readonly worker: Worker;
  private readonly waiting: { resolve: (buffer: ArrayBuffer) => void; reject: (error: Error) => void }[] = [];
  private failure: Error | undefined;

  constructor(settings: PoolSettings) {
    this.worker = startWorker(settings);
    this.worker.on("message", ({ buffer }: BlockResult) => this.waiting.shift()?.resolve(buffer));
    this.worker.on("error", (cause) => this.fail(new Error(`A simulation worker failed: ${cause.message}`, { cause })));
    this.worker.on("exit", (code) => this.fail(new Error(`A simulation worker ended early with exit code ${code}`)));
  }

  /** How many blocks it has still to deliver. */
  get load(): number {
    return this.waiting.length;
  }

  simulate(request: BlockRequest): Promise<ArrayBuffer> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.worker.postMessage(request, [request.buffer]);
    });
  }

  async stop(): Promise<void> {
    await this.worker.terminate();
  }

  private fail(error: Error): void {
    this.failure ??= error;
    for (const { reject } of this.waiting.splice(0)) reject(this.failure);
  }
}

/** Starts worker.js beside this file, or worker.ts when the sources run through ts-node. */
function startWorker(workerData: PoolSettings): Worker {
  const extension = extname(__filename);
  const file = join(__dirname, `worker${extension}`);
  if (extension !== ".ts") return new Worker(file, { workerData });
  return new Worker(file, {
    workerData,
    execArgv: ["--require", require.resolve("ts-node/register")],
    env: { ...process.env, TS_NODE_PROJECT: join(projectRoot, "tsconfig.json") },
  });
}
