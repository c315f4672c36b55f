/** The process that runs the cells, as the front sees it: requests in, ordered messages and native output out. */

import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import type { CellHost, CellHostEvents, InputAnswer, RunRequest } from "./cell-host";
import { type CellOutcome, CHANNELS, type UserMessage, type UserRequest } from "./channel";
import { entryOf } from "./entry";
import { interruptLine } from "./interrupt-thread";
import { readLines } from "./lines";
import { NativeOutput } from "./native-output";

/** Cutting off JavaScript leaves Node's record of asynchronous contexts unbalanced, which it otherwise calls fatal. */
export const NO_CHECKS = "--no-force-async-hooks-checks";
const EXIT_LIMIT_MS = 500;

export class UserProcess implements CellHost {
  private readonly child: ChildProcess;
  private readonly native: NativeOutput;
  private hasEnded = false;
  /** The name of the cell that runs, or ran last. */
  private cell = "";

  /** @param folder cells run in it */
  constructor(
    folder: string,
    private readonly events: CellHostEvents,
  ) {
    const marker = randomBytes(16).toString("hex");
    const { path, nodeOptions, env } = entryOf("user-main");
    this.child = spawn(process.execPath, [NO_CHECKS, ...nodeOptions, path], {
      cwd: folder,
      env: { ...process.env, ...env, ASTEROLAB_KERNEL_MARKER: marker },
      stdio: ["ignore", "pipe", "pipe", "pipe", "pipe", "pipe", "pipe"],
    });
    this.native = new NativeOutput(marker, (name, text) => events.onMessage({ kind: "stream", name, text }));
    for (const name of ["stdout", "stderr"] as const) this.native.listen(name, this.child[name]!);
    readLines(this.pipe(CHANNELS.messages), (line) => this.onMessage(JSON.parse(line) as UserMessage));
    for (const channel of [CHANNELS.requests, CHANNELS.control, CHANNELS.input]) {
      this.pipe(channel).on("error", () => undefined); // the end of the process is told by its exit
    }
    this.child.once("error", (error) => this.onEnd(`it could not be started: ${error.message}`));
    this.child.once("close", (code, signal) => this.onEnd(signal === null ? `exit code ${code}` : signal));
  }

  run(request: RunRequest): void {
    this.cell = request.cell.file;
    this.request(request);
  }

  interrupt(): void {
    this.pipe(CHANNELS.control).write(interruptLine(this.cell, false));
  }

  answerInput(answer: InputAnswer): void {
    this.pipe(CHANNELS.input).write(`${JSON.stringify(answer)}\n`);
  }

  /** Lets the process end itself, so that its exit handlers run; by force when it is busy. */
  async stop(): Promise<void> {
    if (this.hasEnded) return;
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.request({ kind: "exit" });
    const timer = setTimeout(() => this.child.kill("SIGKILL"), EXIT_LIMIT_MS);
    await ended;
    clearTimeout(timer);
  }

  private request(request: UserRequest): void {
    this.pipe(CHANNELS.requests).write(`${JSON.stringify(request)}\n`);
  }

  private pipe(channel: number): Readable & Writable {
    return this.child.stdio[channel] as Socket;
  }

  private onMessage(message: UserMessage): void {
    if (message.kind === "end") void this.endCell(message.outcome);
    else this.events.onMessage(message);
  }

  private async endCell(outcome: CellOutcome): Promise<void> {
    await this.native.cellEnded();
    this.events.onMessage({ kind: "end", outcome });
  }

  private onEnd(reason: string): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.native.flush();
    this.events.onEnd(`the cells' process ended (${reason}); a new one has started, and all variables are gone`);
  }
}
