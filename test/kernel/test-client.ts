/** A client that sees every message as it is: for tests of what the kernel says, in which order, on which channel. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { Dealer, Request, Subscriber } from "zeromq";
import { type ConnectionFile, createConnectionFile } from "../../src/notebook/connection";
import { findKernelSpec, kernelCommand } from "../../src/notebook/kernelspecs";
import {
  createRequest,
  decodeMessage,
  encodeMessage,
  type Message,
  type MessageContent,
} from "../../src/notebook/wire";
import { temporaryFolder } from "../temporary-folder";

export interface Answer {
  readonly reply: MessageContent;
  /** What came on the output channel for the request, from `busy` to `idle`. */
  readonly published: readonly Message[];
}

export interface StartOptions {
  readonly kernel?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export class TestClient {
  private readonly sockets: { shell: Dealer; control: Dealer; stdin: Dealer };
  private readonly iopub = new Subscriber({ linger: 0, receiveHighWaterMark: 0, reconnectInterval: 20 });
  private readonly heartbeat = new Request({ linger: 0 });
  readonly messages: Message[] = [];
  private readonly replies = new Map<string, Message>();
  private wake: () => void = () => undefined;
  onInput: (message: Message) => string = () => "";

  private constructor(
    readonly process: ChildProcess,
    readonly connection: ConnectionFile,
    readonly folder: string,
  ) {
    const { info } = connection;
    const address = (port: number): string => `tcp://127.0.0.1:${port}`;
    const options = { linger: 0, routingId: "test", reconnectInterval: 20 };
    this.sockets = { shell: new Dealer(options), control: new Dealer(options), stdin: new Dealer(options) };
    this.sockets.shell.connect(address(info.shell_port));
    this.sockets.control.connect(address(info.control_port));
    this.sockets.stdin.connect(address(info.stdin_port));
    this.heartbeat.connect(address(info.hb_port));
    this.iopub.subscribe();
    this.iopub.connect(address(info.iopub_port));
    void this.read(this.sockets.shell, (message) => this.replies.set(message.parentHeader.msg_id!, message));
    void this.read(this.sockets.control, (message) => this.replies.set(message.parentHeader.msg_id!, message));
    void this.read(this.iopub, (message) => this.messages.push(message));
    void this.read(this.sockets.stdin, (message) => {
      const reply = createRequest("input_reply", { value: this.onInput(message) }, "test");
      void this.sockets.stdin.send(encodeMessage({ ...reply, parentHeader: message.header }, info.key));
    });
  }

  static async start({ kernel = "asterolab", env = {} }: StartOptions = {}): Promise<TestClient> {
    const folder = temporaryFolder();
    const connection = await createConnectionFile(kernel);
    const [program, ...args] = kernelCommand(findKernelSpec(kernel), connection.path);
    const child = spawn(program!, args, {
      cwd: folder,
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, ...env },
    });
    const client = new TestClient(child, connection, folder);
    // Until the subscription has arrived, outputs go nowhere.
    while (client.messages.length === 0) {
      if (child.exitCode !== null) throw new Error(`The kernel ended at its start, with exit code ${child.exitCode}`);
      client.send("shell", "kernel_info_request", {});
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await client.ask("kernel_info_request", {});
    return client;
  }

  /** Sends a request; resolves with its reply once the output channel has said `idle`. */
  async ask(type: string, content: MessageContent, channel: "shell" | "control" = "shell"): Promise<Answer> {
    return this.answerTo(this.send(channel, type, content));
  }

  execute(code: string, content: MessageContent = {}): Promise<Answer> {
    return this.ask("execute_request", { code, ...content });
  }

  send(channel: "shell" | "control", type: string, content: MessageContent): string {
    const message = createRequest(type, content, "test");
    void this.sockets[channel].send(encodeMessage(message, this.connection.info.key));
    return message.header.msg_id;
  }

  async answerTo(id: string): Promise<Answer> {
    await this.until(() => this.replies.has(id) && this.of(id).some(isIdle));
    return { reply: this.replies.get(id)!.content, published: this.of(id) };
  }

  /** The messages of the output channel that a request caused so far. */
  of(id: string): Message[] {
    return this.messages.filter((message) => message.parentHeader.msg_id === id);
  }

  async until(isTrue: () => boolean, limitMs = 300_000): Promise<void> {
    const limit = Date.now() + limitMs;
    while (!isTrue()) {
      if (Date.now() > limit) throw new Error("Waited in vain");
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        setTimeout(resolve, 200);
      });
    }
  }

  /** Milliseconds until the heartbeat comes back. */
  async ping(): Promise<number> {
    const startedAt = performance.now();
    await this.heartbeat.send("ping");
    await this.heartbeat.receive();
    return performance.now() - startedAt;
  }

  async stop(): Promise<number | null> {
    const { exitCode, signalCode } = this.process;
    const exit = exitCode === null && signalCode === null ? once(this.process, "exit") : undefined;
    if (exit !== undefined) this.send("control", "shutdown_request", { restart: false });
    await exit;
    for (const socket of [...Object.values(this.sockets), this.iopub, this.heartbeat]) socket.close();
    await this.connection.remove();
    return this.process.exitCode;
  }

  private async read(socket: Dealer | Subscriber, take: (message: Message) => void): Promise<void> {
    for await (const frames of socket) {
      take(decodeMessage(frames, this.connection.info.key));
      this.wake();
    }
  }
}

/** The text of one stream. */
export function streamOf(published: readonly Message[], name = "stdout"): string {
  const streams = published.filter(({ header, content }) => header.msg_type === "stream" && content.name === name);
  return streams.map(({ content }) => content.text).join("");
}

export function typesOf(published: readonly Message[]): string[] {
  return published.map(({ header, content }) =>
    header.msg_type === "status" ? String(content.execution_state) : header.msg_type,
  );
}

/** The plain text of the cell's last value. */
export function resultOf(published: readonly Message[]): unknown {
  const result = published.find(({ header }) => header.msg_type === "execute_result");
  return (result?.content.data as Record<string, unknown> | undefined)?.["text/plain"];
}

function isIdle({ header, content }: Message): boolean {
  return header.msg_type === "status" && content.execution_state === "idle";
}
