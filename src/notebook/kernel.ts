/** A running kernel: its connection file, its process and the client that speaks to it, begun and ended together. */

import { KernelError } from "../errors";
import { type ConnectionFile, createConnectionFile } from "./connection";
import { type Execution, KernelClient } from "./kernel-client";
import { type KernelEnd, KernelProcess } from "./kernel-process";
import { type KernelSpec, kernelCommand, kernelEnvironment } from "./kernelspecs";
import { startLimit } from "./limit";
import type { CommUpdate } from "./widgets";
import type { Message, MessageContent } from "./wire";

export interface KernelOptions {
  /** The folder the kernel runs in; relative paths and imports of cells start there. */
  readonly cwd: string;
  readonly startTimeoutMs: number;
  /** Ends a start that is under way; the reason is thrown. */
  readonly signal?: AbortSignal;
  readonly onOutput: (message: Message) => void;
  readonly onInputRequest?: (message: Message) => void;
  /** Receives what the process prints beside the protocol. */
  readonly onProcessOutput?: (text: string) => void;
}

const IDLE_TIMEOUT_MS = 4000;
const STOP_GRACE_MS = 1000;

export class Kernel {
  private constructor(
    private readonly spec: KernelSpec,
    /** The content of the `kernel_info_reply`. */
    readonly info: MessageContent,
    private readonly client: KernelClient,
    private readonly process: KernelProcess,
    private readonly connection: ConnectionFile,
  ) {}

  /**
   * Starts a kernel and waits until it answers. A port that was free when it was chosen may be another's when the kernel
   * binds it: then other ports are tried.
   *
   * @throws {KernelError} when its command cannot be started, it ends, or it does not answer in time.
   */
  static async start(spec: KernelSpec, options: KernelOptions): Promise<Kernel> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await Kernel.startOnce(spec, options);
      } catch (error) {
        const isPortTaken = error instanceof KernelError && /address already in use/i.test(error.kernelOutput);
        if (!isPortTaken || attempt === START_ATTEMPTS) throw error;
      }
    }
  }

  private static async startOnce(spec: KernelSpec, options: KernelOptions): Promise<Kernel> {
    const connection = await createConnectionFile(spec.name);
    const command = kernelCommand(spec, connection.path);
    let process: KernelProcess;
    try {
      process = await KernelProcess.start(command, {
        cwd: options.cwd,
        env: kernelEnvironment(spec),
        onOutput: options.onProcessOutput,
      });
    } catch (cause) {
      await connection.remove();
      throw new KernelError(`Cannot start kernel "${spec.name}": ${(cause as Error).message}`, "", { cause });
    }
    const client = new KernelClient(connection.info, options);
    void process.ended.then((end) => client.abandon(deadKernelError(spec.name, end, process.output)));
    const limit = new AbortController();
    const timer = startLimit(options.startTimeoutMs, () => limit.abort(startTimeoutError(spec, options, process)));
    try {
      const info = await abortable(client.ready(), limit.signal, options.signal);
      return new Kernel(spec, info, client, process, connection);
    } catch (error) {
      client.abandon(error as Error);
      await end(client, process, connection, 0);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  get pid(): number {
    return this.process.pid;
  }

  get hasEnded(): boolean {
    return this.process.hasEnded;
  }

  /**
   * Runs one cell's code.
   *
   * @throws {KernelError} when the kernel ends before it has answered.
   */
  execute(code: string, onSent?: (messageId: string) => void): Promise<Execution> {
    return this.client.execute(code, { idleTimeoutMs: IDLE_TIMEOUT_MS, onSent });
  }

  /** Tells a widget of the kernel what became of it here. */
  updateWidget(update: CommUpdate): void {
    this.client.sendComm(update);
  }

  /** Asks the cell that runs to stop, in the way the kernel's spec says. */
  interrupt(): void {
    if (this.spec.interruptMode === "message") this.client.requestInterrupt();
    else this.process.signal("SIGINT");
  }

  /** Ends the kernel: politely first, or at once when it is busy with a cell that nobody waits for any more. */
  async stop(options: { isUrgent?: boolean } = {}): Promise<void> {
    if (options.isUrgent) {
      this.process.signal("SIGKILL");
    } else {
      this.client.requestShutdown();
    }
    await end(this.client, this.process, this.connection, STOP_GRACE_MS);
  }
}

async function end(
  client: KernelClient,
  process: KernelProcess,
  connection: ConnectionFile,
  graceMs: number,
): Promise<void> {
  await process.stop(graceMs);
  await client.close();
  await connection.remove();
}

/** `work`, unless one of the signals comes first: then its reason is thrown. */
export async function abortable<T>(work: Promise<T>, ...signals: readonly (AbortSignal | undefined)[]): Promise<T> {
  const cleanups: (() => void)[] = [];
  const aborted = signals.map(
    (signal) =>
      new Promise<never>((_, reject) => {
        if (signal === undefined) return;
        const abort = (): void => reject(signal.reason);
        if (signal.aborted) abort();
        signal.addEventListener("abort", abort);
        cleanups.push(() => signal.removeEventListener("abort", abort));
      }),
  );
  work.catch(() => {}); // when a signal wins, nobody else waits for it
  try {
    return await Promise.race([work, ...aborted]);
  } finally {
    for (const cleanup of cleanups) cleanup();
  }
}

/** Ports are taken from each other once in some thousand starts. */
const START_ATTEMPTS = 3;

function startTimeoutError(spec: KernelSpec, options: KernelOptions, process: KernelProcess): KernelError {
  const text = `Kernel "${spec.name}" did not answer within ${options.startTimeoutMs / 1000} s of its start`;
  return new KernelError(withOutput(text, process.output), process.output);
}

function deadKernelError(name: string, { code, signal }: KernelEnd, output: string): KernelError {
  const text = `Kernel "${name}" ended ${signal === null ? `with exit code ${code}` : `by ${signal}`}`;
  return new KernelError(withOutput(text, output), output);
}

/** Appends the line in which a kernel says why: the last that names an error, else the last. */
function withOutput(text: string, output: string): string {
  const lines = output.trim().split("\n").reverse();
  const line = lines.find((candidate) => /error/i.test(candidate)) ?? lines[0];
  return line ? `${text}; it printed: ${line.trim()}` : text;
}
