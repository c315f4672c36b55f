/** A file that takes what a stage's command prints; an error of the disk does not end the command. */

import { createWriteStream, type WriteStream } from "node:fs";
import { dirname } from "node:path";
import { finished } from "node:stream/promises";
import { mkdirP, writeError } from "../data/files";
import type { DataError } from "../errors";

export class StageFile {
  private failure: DataError | undefined;

  private constructor(
    path: string,
    private readonly stream: WriteStream,
  ) {
    stream.on("error", (cause) => {
      this.failure ??= writeError(path, cause);
    });
  }

  /** @throws {DataError} when the file cannot be opened. */
  static async open(path: string): Promise<StageFile> {
    mkdirP(dirname(path));
    const stream = createWriteStream(path);
    await new Promise<void>((resolve, reject) => {
      stream.once("open", () => resolve());
      stream.once("error", (cause) => reject(writeError(path, cause)));
    });
    return new StageFile(path, stream);
  }

  write(chunk: string | Uint8Array): void {
    if (this.failure === undefined) this.stream.write(chunk);
  }

  /** Resolves when everything is written, with what went wrong, if something did. */
  async close(): Promise<DataError | undefined> {
    this.stream.end();
    await finished(this.stream).catch(() => undefined); // `failure` says it
    return this.failure;
  }
}
