/** Publishes a cell's output: streams joined to few messages, in order with everything else, up to a stated size. */

import type { StreamName } from "./channel";

export type Publish = (type: string, content: Readonly<Record<string, unknown>>) => void;

/** Output per cell beyond this is dropped, and the output says so: a notebook of that size opens nowhere. */
export const MAX_STREAM_BYTES = 100 * 2 ** 20;
const FLUSH_MS = 50;
/** Readers take several messages of a megabyte better than one of fifty. */
const MESSAGE_LENGTH = 2 ** 20;

export class OutputPublisher {
  private name: StreamName = "stdout";
  private parts: string[] = [];
  private length = 0;
  private total = 0;
  private isFull = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly publish: Publish,
    private readonly limit = MAX_STREAM_BYTES,
  ) {}

  /** A new cell's output begins. */
  restart(): void {
    this.flush();
    this.total = 0;
    this.isFull = false;
  }

  stream(name: StreamName, text: string): void {
    if (this.isFull || text === "") return;
    const kept = this.total + text.length > this.limit ? text.slice(0, this.limit - this.total) : text;
    this.append(name, kept);
    this.total += text.length;
    if (this.total <= this.limit) return;
    this.isFull = true;
    const limit = `${this.limit / 2 ** 20} MB`;
    this.append("stderr", `\n[asterolab] this cell printed more than ${limit}: what follows is dropped\n`);
    this.flush();
  }

  /** Anything but a stream, after all of the streams before it. */
  send(type: string, content: Readonly<Record<string, unknown>>): void {
    this.flush();
    this.publish(type, content);
  }

  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.parts.length === 0) return;
    const text = this.parts.join("");
    this.parts = [];
    this.length = 0;
    this.publish("stream", { name: this.name, text });
  }

  private append(name: StreamName, text: string): void {
    if (name !== this.name) this.flush();
    this.name = name;
    this.parts.push(text);
    this.length += text.length;
    if (this.length >= MESSAGE_LENGTH) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }
}
