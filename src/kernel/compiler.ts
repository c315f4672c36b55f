/** The compiler thread as the front process sees it: one promise per request. */

import { Worker } from "node:worker_threads";
import type { CompileReply, CompilerRequest } from "./compile-messages";
import { entryOf } from "./entry";

export interface Completion {
  readonly start: number;
  readonly end: number;
  readonly matches: readonly string[];
}

interface Reply {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

export class Compiler {
  private readonly worker: Worker;
  private readonly waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  private lastId = 0;
  private failure: Error | undefined;

  constructor() {
    const { path, nodeOptions, env } = entryOf("compiler-worker");
    // Each cell makes a new program: most of it is garbage with the next, and is cheapest to collect before it grows old.
    const resourceLimits = { maxYoungGenerationSizeMb: 128 };
    this.worker = new Worker(path, { execArgv: [...nodeOptions], env: { ...process.env, ...env }, resourceLimits });
    this.worker.on("message", ({ id, result, error }: Reply) => {
      const waiter = this.waiting.get(id);
      this.waiting.delete(id);
      if (error === undefined) waiter?.resolve(result);
      else waiter?.reject(new Error(`Cannot compile: ${error}`));
    });
    this.worker.on("error", (error: Error) => {
      this.failure = new Error(`Cannot compile: the compiler has ended (${error.message}); restart the kernel`);
      for (const { reject } of this.waiting.values()) reject(this.failure);
      this.waiting.clear();
    });
  }

  compile(code: string, file: string, isExpression = false): Promise<CompileReply> {
    return this.ask({ kind: "compile", code, file, isExpression }) as Promise<CompileReply>;
  }

  complete(code: string, position: number): Promise<Completion> {
    return this.ask({ kind: "complete", code, position }) as Promise<Completion>;
  }

  /** The type and documentation of what stands at the position. */
  inspect(code: string, position: number): Promise<string | undefined> {
    return this.ask({ kind: "inspect", code, position }) as Promise<string | undefined>;
  }

  isComplete(code: string): Promise<{ readonly completed: boolean; readonly indent?: string }> {
    return this.ask({ kind: "is-complete", code }) as Promise<{ completed: boolean; indent?: string }>;
  }

  /** Forgets the declarations of all cells, as the process that held their values is gone. */
  forget(): Promise<unknown> {
    return this.ask({ kind: "forget" }).catch(() => undefined); // one that has ended has forgotten
  }

  async end(): Promise<void> {
    await this.worker.terminate();
  }

  private ask(request: CompilerRequest): Promise<unknown> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      const id = ++this.lastId;
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ ...request, id });
    });
  }
}
