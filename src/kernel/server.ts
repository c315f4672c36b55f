/** The kernel's side of Jupyter's sockets: signed messages in and out, each channel in order, the heartbeat echoed. */

import { randomUUID } from "node:crypto";
import { Publisher, Router } from "zeromq";
import { errorCode } from "../files";
import type { ConnectionInfo } from "../notebook/connection";
import { createRequest, encodeMessage, type Message, type MessageContent, MessageDecoder } from "../notebook/wire";

export type ChannelName = "shell" | "control" | "stdin";

/** A request with where its reply goes. */
export interface Request {
  readonly message: Message;
  readonly channel: ChannelName;
  readonly ids: readonly Buffer[];
}

export class KernelServer {
  private readonly session = randomUUID();
  private readonly routers: Readonly<Record<ChannelName, Router>>;
  private readonly iopub = new Publisher({ linger: 1000, sendHighWaterMark: 0 });
  /** No Reply: that one waits for ever once a message without an envelope has come. */
  private readonly heartbeat = new Router({ linger: 0 });
  /** One for all channels: a message of one may not be played again on another. */
  private readonly decoder: MessageDecoder;
  private sending: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly info: ConnectionInfo,
    private readonly onRequest: (request: Request) => void,
  ) {
    this.decoder = new MessageDecoder(info.key);
    // Routers without a limit, too: a reply must not be dropped because a client reads slowly.
    const router = (): Router => new Router({ linger: 1000, sendHighWaterMark: 0, handover: true });
    this.routers = { shell: router(), control: router(), stdin: router() };
  }

  /** Binds the five ports of the connection file and begins to listen. */
  async start(): Promise<void> {
    const { info, routers } = this;
    const address = (port: number): string => `${info.transport}://${info.ip}:${port}`;
    await Promise.all([
      this.iopub.bind(address(info.iopub_port)),
      routers.shell.bind(address(info.shell_port)),
      routers.control.bind(address(info.control_port)),
      routers.stdin.bind(address(info.stdin_port)),
      this.heartbeat.bind(address(info.hb_port)),
    ]);
    void this.beat();
    for (const channel of ["shell", "control", "stdin"] as const) void this.listen(channel);
  }

  reply(request: Request, type: string, content: MessageContent): void {
    const { ids, channel, message } = request;
    this.transmit(this.routers[channel], message, type, content, ids);
  }

  /** Says something on the output channel, as caused by `parent`. */
  publish(parent: Message | undefined, type: string, content: MessageContent): void {
    this.transmit(this.iopub, parent, type, content, [Buffer.from(`kernel.${type}`)]);
  }

  /** Asks the client of an execution for keyboard input. */
  requestInput(request: Request, content: MessageContent): void {
    this.transmit(this.routers.stdin, request.message, "input_request", content, request.ids);
  }

  /** Closes the sockets once everything is sent. */
  async close(): Promise<void> {
    await this.sending;
    for (const socket of [...Object.values(this.routers), this.iopub, this.heartbeat]) socket.close();
  }

  private transmit(
    socket: Router | Publisher,
    parent: Message | undefined,
    type: string,
    content: MessageContent,
    ids: readonly Buffer[],
  ): void {
    const message = { ...createRequest(type, content, this.session), parentHeader: parent?.header ?? {} };
    const frames = [...ids, ...encodeMessage(message, this.info.key)];
    // One send at a time: a ZeroMQ socket refuses a second while the first is under way.
    this.sending = this.sending.then(() => (socket.closed ? undefined : socket.send(frames))).catch(() => undefined); // a client that has gone is no reason to stop
  }

  private async listen(channel: ChannelName): Promise<void> {
    for await (const frames of messagesOf(this.routers[channel])) {
      let message: Message;
      try {
        message = this.decoder.decode(frames);
      } catch {
        continue; // a message without our key is nobody's request, and one that comes again was answered
      }
      const ids = frames.slice(
        0,
        frames.findIndex((frame) => frame.toString("latin1") === "<IDS|MSG>"),
      );
      this.onRequest({ message, channel, ids });
    }
  }

  private async beat(): Promise<void> {
    // The first frame names the sender, to whom the rest goes back.
    for await (const frames of messagesOf(this.heartbeat)) await this.heartbeat.send(frames);
  }
}

/**
 * What arrives until the socket is closed. ZeroMQ may announce a message that it then drops as malformed (EAGAIN), which
 * ends zeromq's own iteration, and with it would end the kernel.
 */
async function* messagesOf(socket: Router): AsyncGenerator<Buffer[]> {
  while (!socket.closed) {
    try {
      yield await socket.receive();
    } catch (error) {
      if (!socket.closed && errorCode(error) !== "EAGAIN") throw error;
      await new Promise((resolve) => setImmediate(resolve)); // never a loop without a pause
    }
  }
}
