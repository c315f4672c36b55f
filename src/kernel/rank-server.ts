/** Where ranks connect to the front: each with a token, over one connection per channel. */

import { randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import type { InputAnswer } from "./cell-host";
import type { UserMessage, UserRequest } from "./channel";
import { interruptLine } from "./interrupt-thread";
import { readLines } from "./lines";
import { type FrontAddress, type Hello, RANK_CHANNELS, type RankChannel } from "./rank-address";

const HOST = "127.0.0.1";
const HELLO_MS = 10_000;
const HELLO_BYTES = 1024;

export interface RankServerOptions {
  readonly ranks: number;
  /** Called when all channels of a rank are open. */
  readonly onRank: (link: RankLink) => void;
  readonly onMessage: (link: RankLink, message: UserMessage) => void;
  /** Called once when a rank's process is gone. */
  readonly onClose: (link: RankLink) => void;
}

/** One rank, as the front reaches it. */
export class RankLink {
  private readonly sockets = new Map<RankChannel, Socket>();

  constructor(readonly hello: Omit<Hello, "channel">) {}

  get rank(): number {
    return this.hello.rank;
  }

  get isOpen(): boolean {
    return this.sockets.size === RANK_CHANNELS.length;
  }

  add(channel: RankChannel, socket: Socket): void {
    this.sockets.set(channel, socket);
  }

  has(channel: RankChannel): boolean {
    return this.sockets.has(channel);
  }

  request(request: UserRequest): void {
    this.sockets.get("requests")?.write(`${JSON.stringify(request)}\n`);
  }

  interrupt(cell: string, isForced: boolean): void {
    this.sockets.get("control")?.write(interruptLine(cell, isForced));
  }

  answer(answer: InputAnswer): void {
    this.sockets.get("input")?.write(`${JSON.stringify(answer)}\n`);
  }

  /** Ends the rank's process: its control thread kills it, whatever it does. */
  destroy(): void {
    for (const socket of this.sockets.values()) socket.destroy();
  }
}

export class RankServer {
  readonly address: FrontAddress;
  private readonly links = new Map<number, RankLink>();
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly options: RankServerOptions,
  ) {
    const { port } = server.address() as { port: number };
    this.address = { host: HOST, port, token: randomBytes(32).toString("hex") };
    server.on("connection", (socket) => this.greet(socket));
  }

  static listen(options: RankServerOptions): Promise<RankServer> {
    return new Promise((resolve, reject) => {
      const server = createServer({ noDelay: true });
      server.once("error", reject);
      server.listen(0, HOST, () => resolve(new RankServer(server, options)));
    });
  }

  /** Ends all ranks that are connected, and takes no more. */
  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  /** Reads the first line; who does not say it soon, or says another, is not one of ours. */
  private greet(socket: Socket): void {
    this.sockets.add(socket);
    socket.on("error", () => undefined); // a close follows
    socket.once("close", () => this.sockets.delete(socket));
    const timer = setTimeout(() => socket.destroy(), HELLO_MS);
    let head = Buffer.alloc(0);
    const onData = (bytes: Buffer): void => {
      head = Buffer.concat([head, bytes]);
      const end = head.indexOf(10);
      if (end === -1 && head.length < HELLO_BYTES) return;
      clearTimeout(timer);
      socket.removeListener("data", onData);
      const hello = maybeHello(head.subarray(0, Math.max(0, end)).toString(), this.address.token, this.options.ranks);
      const link = hello && this.linkOf(hello);
      if (!hello || !link || link.has(hello.channel)) {
        socket.destroy();
        return;
      }
      if (head.length > end + 1) socket.unshift(head.subarray(end + 1));
      this.open(link, hello.channel, socket);
    };
    socket.on("data", onData);
    socket.once("close", () => clearTimeout(timer));
  }

  /** One process per rank: a second one that says it is the same rank is refused. */
  private linkOf({ channel: _, ...hello }: Hello): RankLink | undefined {
    const known = this.links.get(hello.rank);
    if (known === undefined) {
      const link = new RankLink(hello);
      this.links.set(hello.rank, link);
      return link;
    }
    return known.hello.pid === hello.pid ? known : undefined;
  }

  private open(link: RankLink, channel: RankChannel, socket: Socket): void {
    link.add(channel, socket);
    if (channel === "messages") {
      readLines(socket, (line) => this.options.onMessage(link, JSON.parse(line) as UserMessage));
      socket.once("close", () => this.options.onClose(link));
    }
    socket.resume();
    if (link.isOpen) this.options.onRank(link);
  }
}

function maybeHello(text: string, token: string, ranks: number): Hello | undefined {
  let hello: Hello;
  try {
    hello = JSON.parse(text) as Hello;
  } catch {
    return undefined;
  }
  const given = Buffer.from(String(hello?.token));
  const expected = Buffer.from(token);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
  const { rank } = hello;
  return Number.isInteger(rank) && rank >= 0 && rank < ranks && RANK_CHANNELS.includes(hello.channel)
    ? hello
    : undefined;
}
