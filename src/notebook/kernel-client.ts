/** Speaks Jupyter's protocol to one kernel over ZeroMQ: requests and replies, and the stream of outputs beside them. */

import { randomUUID } from "node:crypto";
import { Dealer, Subscriber } from "zeromq";
import type { ConnectionInfo } from "./connection";
import type { CommUpdate } from "./widgets";
import { createRequest, encodeMessage, type Message, type MessageContent, MessageDecoder } from "./wire";

/** How a cell ended. */
export interface Execution {
  /** The content of the `execute_reply`. */
  readonly reply: MessageContent;
  /** False when the kernel never said that it was idle again: outputs were lost on the way. */
  readonly isComplete: boolean;
}

export interface ClientOptions {
  /** Receives every message of the output channel, in order. */
  readonly onOutput: (message: Message) => void;
  /** Called when the kernel asks for keyboard input, which is answered with an empty line. */
  readonly onInputRequest?: (message: Message) => void;
}

interface Waiter {
  readonly resolve: (message: Message) => void;
  readonly reject: (error: Error) => void;
}

const RESEND_MS = 1000;
const SLOW_JOINER_MS = 20;
/** Something else may print without an end. */
const LONGEST_WAIT_MS = 120_000;

export class KernelClient {
  private readonly session = randomUUID();
  private readonly shell: Dealer;
  private readonly control: Dealer;
  private readonly stdin: Dealer;
  private readonly iopub: Subscriber;
  private readonly replies = new Map<string, Waiter>();
  private readonly idles = new Map<string, Waiter>();
  private readonly decoder: MessageDecoder;
  /** Messages of the output channel so far. */
  private outputs = 0;
  private failure: Error | undefined;
  private sending: Promise<void> = Promise.resolve();

  constructor(
    private readonly info: ConnectionInfo,
    private readonly options: ClientOptions,
  ) {
    this.decoder = new MessageDecoder(info.key);
    // The kernel tells by the routing id that keyboard input belongs to the requests of the shell channel.
    const dealer = { linger: 0, reconnectInterval: 20, routingId: randomUUID() };
    this.shell = new Dealer(dealer);
    this.stdin = new Dealer(dealer);
    this.control = new Dealer({ linger: 0, reconnectInterval: 20 });
    // Without a limit on this side, a slow disk never costs output: PUB drops silently once a queue is full.
    this.iopub = new Subscriber({ linger: 0, reconnectInterval: 20, receiveHighWaterMark: 0 });
    this.iopub.subscribe();
    this.shell.connect(this.address(info.shell_port));
    this.control.connect(this.address(info.control_port));
    this.stdin.connect(this.address(info.stdin_port));
    this.iopub.connect(this.address(info.iopub_port));
    void this.read(this.shell, (message) => this.onReply(message));
    void this.read(this.control, (message) => this.onReply(message));
    void this.read(this.stdin, (message) => this.onStdin(message));
    void this.read(this.iopub, (message) => this.onIopub(message));
  }

  /** Waits until the kernel answers and its outputs arrive; resolves with the `kernel_info_reply`. */
  async ready(): Promise<MessageContent> {
    for (;;) {
      const id = this.send(this.shell, "kernel_info_request", {});
      const info = await within(RESEND_MS, this.replyTo(id));
      // The reply may come before the subscription has reached the kernel; ask again until both are seen.
      if (info !== undefined) await new Promise((resolve) => setTimeout(resolve, SLOW_JOINER_MS));
      if (info !== undefined && this.outputs > 0) return info.content;
      this.forget(id);
    }
  }

  /**
   * Runs `code` and waits for the reply and for the end of its output. When the end does not come within
   * `idleTimeoutMs` of the reply, a second request serves as a fence: once its end is here, the rest is lost. Output that
   * is still coming in, since this side is slow, is waited for.
   */
  async execute(
    code: string,
    options: { idleTimeoutMs: number; onSent?: (messageId: string) => void },
  ): Promise<Execution> {
    const id = this.send(this.shell, "execute_request", {
      code,
      silent: false,
      store_history: true,
      user_expressions: {},
      allow_stdin: false,
      stop_on_error: true,
    });
    options.onSent?.(id);
    const idle = this.idleOf(id);
    const { content } = await this.replyTo(id);
    if (await within(options.idleTimeoutMs, idle)) return { reply: content, isComplete: true };
    const fence = this.send(this.shell, "kernel_info_request", {});
    const fenceIdle = this.idleOf(fence);
    await this.replyTo(fence);
    await this.withinSilence(options.idleTimeoutMs, Promise.race([fenceIdle, idle]));
    const isComplete = !this.idles.has(id);
    this.forget(id);
    this.forget(fence);
    return { reply: content, isComplete };
  }

  /** Sends a message of a comm that the kernel has opened. */
  sendComm(content: CommUpdate): void {
    this.send(this.shell, "comm_msg", { ...content });
  }

  /** Asks the kernel to stop the cell that runs. */
  requestInterrupt(): void {
    this.send(this.control, "interrupt_request", {});
  }

  /** Asks the kernel to end; the caller watches the process. */
  requestShutdown(): void {
    this.send(this.control, "shutdown_request", { restart: false });
  }

  /** Gives every wait, now and later, this error: the kernel is gone. */
  abandon(error: Error): void {
    this.failure ??= error;
    for (const waiter of [...this.replies.values(), ...this.idles.values()]) waiter.reject(this.failure);
    this.replies.clear();
    this.idles.clear();
  }

  /** Closes the sockets. */
  async close(): Promise<void> {
    await this.sending;
    for (const socket of [this.shell, this.control, this.stdin, this.iopub]) socket.close();
  }

  private address(port: number): string {
    return `${this.info.transport}://${this.info.ip}:${port}`;
  }

  private send(socket: Dealer, msgType: string, content: MessageContent): string {
    const message = createRequest(msgType, content, this.session);
    this.transmit(socket, message);
    return message.header.msg_id;
  }

  /** One send at a time: a ZeroMQ socket refuses a second while the first is under way. */
  private transmit(socket: Dealer, message: Message): void {
    const frames = encodeMessage(message, this.info.key);
    this.sending = this.sending
      .then(() => (socket.closed ? undefined : socket.send(frames)))
      .catch((error: Error) => this.abandon(error));
  }

  private replyTo(id: string): Promise<Message> {
    return this.wait(this.replies, id);
  }

  private idleOf(id: string): Promise<Message> {
    return this.wait(this.idles, id);
  }

  private wait(waiters: Map<string, Waiter>, id: string): Promise<Message> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const promise = new Promise<Message>((resolve, reject) => waiters.set(id, { resolve, reject }));
    promise.catch(() => {}); // it is awaited later, or not at all after a time-out
    return promise;
  }

  /** The value of `promise`, or undefined when no output has come for `silenceMs` without it. */
  private async withinSilence<T>(silenceMs: number, promise: Promise<T>): Promise<T | undefined> {
    const startedAt = performance.now();
    for (;;) {
      const before = this.outputs;
      const value = await within(silenceMs, promise);
      const isSilent = this.outputs === before || performance.now() - startedAt > LONGEST_WAIT_MS;
      if (value !== undefined || isSilent) return value;
    }
  }

  private forget(id: string): void {
    this.replies.delete(id);
    this.idles.delete(id);
  }

  private async read(socket: Dealer | Subscriber, handle: (message: Message) => void): Promise<void> {
    for await (const frames of socket) {
      let message: Message;
      try {
        message = this.decoder.decode(frames);
      } catch {
        continue; // another process on this port: a message without our key is nobody's answer, nor one sent again
      }
      handle(message);
    }
  }

  private onReply(message: Message): void {
    this.settle(this.replies, message);
  }

  private onIopub(message: Message): void {
    this.outputs++;
    this.options.onOutput(message);
    if (message.header.msg_type === "status" && message.content.execution_state === "idle") {
      this.settle(this.idles, message);
    }
  }

  private onStdin(message: Message): void {
    if (message.header.msg_type !== "input_request") return;
    this.options.onInputRequest?.(message);
    const reply = createRequest("input_reply", { value: "", status: "ok" }, this.session);
    this.transmit(this.stdin, { ...reply, parentHeader: message.header });
  }

  private settle(waiters: Map<string, Waiter>, message: Message): void {
    const id = message.parentHeader.msg_id;
    if (id === undefined) return;
    waiters.get(id)?.resolve(message);
    waiters.delete(id);
  }
}

/** The value of `promise`, or undefined when it takes longer than `timeoutMs`. */
async function within<T>(timeoutMs: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), timeoutMs);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
