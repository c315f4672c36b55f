/** What a process prints on descriptors 1 and 2 past JavaScript: native code and child processes. */

import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import type { StreamName } from "./channel";
import { MarkedStream } from "./marked-stream";

const LIMIT_MS = 500;

export class NativeOutput {
  private readonly streams: MarkedStream[] = [];
  private cellsEnded = 0;

  constructor(
    private readonly marker: string,
    private readonly onText: (name: StreamName, text: string) => void,
  ) {}

  /** @returns what takes in bytes that the source did not come to give */
  listen(name: StreamName, source: Readable): (bytes: Buffer) => void {
    const stream = new MarkedStream(this.marker, (text) => this.onText(name, text));
    const decoder = new StringDecoder("utf8");
    const push = (bytes: Buffer): void => stream.push(decoder.write(bytes));
    source.on("data", push);
    this.streams.push(stream);
    return push;
  }

  /** To be called where a cell ends; resolves when what its native code printed is here, too. */
  async cellEnded(): Promise<void> {
    const count = ++this.cellsEnded;
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LIMIT_MS); // a cell may have closed a descriptor
    });
    await Promise.race([Promise.all(this.streams.map((stream) => stream.marked(count))), limit]);
    clearTimeout(timer);
  }

  /** Gives out what still waits, as nothing will follow. */
  flush(): void {
    for (const stream of this.streams) stream.flush();
  }
}
