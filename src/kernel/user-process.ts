/** The process that runs the cells, as the front sees it: requests in, ordered messages and native output out. */

import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { type CellOutcome, CHANNELS, type StreamName, type UserMessage, type UserRequest } from "./channel";
import { entryOf } from "./entry";
import { MarkedStream } from "./marked-stream";

export interface UserProcessOptions {
  /** The folder cells run in. */
  readonly folder: string;
  readonly onMessage: (message: UserMessage) => void;
  /** Called once when the process is gone, with the reason in words. */
  readonly onEnd: (reason: string) => void;
}

/** Cutting off JavaScript leaves Node's record of asynchronous contexts unbalanced, which it otherwise calls fatal. */
const NO_CHECKS = "--no-force-async-hooks-checks";
const NATIVE_LIMIT_MS = 500;
const EXIT_LIMIT_MS = 500;

export class UserProcess {
  private readonly child: ChildProcess;
  private readonly natives: readonly MarkedStream[];
  private cellsEnded = 0;
  private hasEnded = false;

  constructor(private readonly options: UserProcessOptions) {
    const marker = randomBytes(16).toString("hex");
    const { path, nodeOptions, env } = entryOf("user-main");
    this.child = spawn(process.execPath, [NO_CHECKS, ...nodeOptions, path], {
      cwd: options.folder,
      env: { ...process.env, ...env, ASTEROLAB_KERNEL_MARKER: marker },
      stdio: ["ignore", "pipe", "pipe", "pipe", "pipe", "pipe", "pipe"],
    });
    this.natives = (["stdout", "stderr"] as const).map((name) => this.listen(name, marker));
    readLines(this.pipe(CHANNELS.messages), (line) => this.onMessage(JSON.parse(line) as UserMessage));
    for (const channel of [CHANNELS.requests, CHANNELS.control, CHANNELS.input]) {
      this.pipe(channel).on("error", () => undefined); // the end of the process is told by its exit
    }
    this.child.once("error", (error) => this.onEnd(`it could not be started: ${error.message}`));
    this.child.once("close", (code, signal) => this.onEnd(signal === null ? `exit code ${code}` : signal));
  }

  run(request: Extract<UserRequest, { kind: "run" }>): void {
    this.request(request);
  }

  /** Stops the running cell, whatever it does. */
  interrupt(): void {
    this.pipe(CHANNELS.control).write("i");
  }

  answerInput(answer: { readonly value: string; readonly isInterrupted?: boolean }): void {
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

  private listen(name: StreamName, marker: string): MarkedStream {
    const stream = new MarkedStream(marker, (text) => this.options.onMessage({ kind: "stream", name, text }));
    const decoder = new StringDecoder("utf8");
    this.child[name]!.on("data", (bytes: Buffer) => stream.push(decoder.write(bytes)));
    return stream;
  }

  private onMessage(message: UserMessage): void {
    if (message.kind === "end") void this.endCell(message.outcome);
    else this.options.onMessage(message);
  }

  /** A cell has ended when what its native code printed is here, too. */
  private async endCell(outcome: CellOutcome): Promise<void> {
    const count = ++this.cellsEnded;
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, NATIVE_LIMIT_MS); // a cell may have closed a descriptor
    });
    await Promise.race([Promise.all(this.natives.map((stream) => stream.marked(count))), limit]);
    clearTimeout(timer);
    this.options.onMessage({ kind: "end", outcome });
  }

  private onEnd(reason: string): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    for (const stream of this.natives) stream.flush();
    this.options.onEnd(reason);
  }
}

/** Splits what arrives at line feeds; long lines are joined once, not per chunk. */
function readLines(source: Readable, onLine: (line: string) => void): void {
  let parts: Buffer[] = [];
  source.on("data", (bytes: Buffer) => {
    let start = 0;
    for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, start)) {
      const piece = bytes.subarray(start, end);
      const line = parts.length === 0 ? piece : Buffer.concat([...parts, piece]);
      parts = [];
      start = end + 1;
      onLine(line.toString("utf8"));
    }
    if (start < bytes.length) parts.push(bytes.subarray(start));
  });
  source.on("error", () => undefined);
}
