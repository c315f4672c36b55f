/** The operating-system process of a kernel: started in a group of its own, watched, and ended with all it started. */

import { type ChildProcess, spawn } from "node:child_process";

export interface KernelEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProcessOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Receives what the process prints beside the protocol: native code, child processes, crashes. */
  readonly onOutput?: (text: string) => void;
}

const TAIL_CHARACTERS = 4000;

export class KernelProcess {
  readonly pid: number;
  /** Resolves when the process has ended, for whatever reason. */
  readonly ended: Promise<KernelEnd>;
  private tail = "";
  private end: KernelEnd | undefined;
  private readonly killWithUs = (): void => this.signal("SIGKILL");

  private constructor(child: ChildProcess, onOutput: ((text: string) => void) | undefined) {
    this.pid = child.pid!;
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding("utf8");
      stream.on("data", (text: string) => {
        this.tail = (this.tail + text).slice(-TAIL_CHARACTERS);
        onOutput?.(text);
      });
    }
    process.on("exit", this.killWithUs);
    this.ended = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        this.end = { code, signal };
        resolve(this.end);
      });
    });
  }

  /**
   * Starts `command`.
   *
   * @throws {Error} of the operating system when it cannot be started.
   */
  static async start(command: readonly string[], options: ProcessOptions): Promise<KernelProcess> {
    const child = spawn(command[0]!, command.slice(1), {
      cwd: options.cwd,
      env: { ...options.env, JPY_PARENT_PID: String(process.pid) },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true, // a session and process group of its own, so that a signal reaches what it starts, too
    });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
    return new KernelProcess(child, options.onOutput);
  }

  /** What the process printed last beside the protocol. */
  get output(): string {
    return this.tail;
  }

  get hasEnded(): boolean {
    return this.end !== undefined;
  }

  /** Sends a signal to the process and everything in its group; does nothing when none is left. */
  signal(name: NodeJS.Signals): void {
    try {
      process.kill(process.platform === "win32" ? this.pid : -this.pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }

  /** Waits `graceMs` for the process to end by itself, then asks it to, then ends it; afterwards its group is empty. */
  async stop(graceMs: number): Promise<void> {
    if (!(await this.endsWithin(graceMs))) {
      this.signal("SIGTERM");
      if (!(await this.endsWithin(graceMs))) this.signal("SIGKILL");
      await this.ended;
    }
    this.signal("SIGKILL"); // children that outlived their parent
    process.removeListener("exit", this.killWithUs);
  }

  private async endsWithin(timeoutMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([this.ended, timeout]);
    clearTimeout(timer);
    return this.hasEnded;
  }
}
