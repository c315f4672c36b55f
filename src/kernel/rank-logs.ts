/** A file per rank with what it printed, beside the executed notebook; errors of the disk end a log, never a cell. */

import { createWriteStream, type WriteStream } from "node:fs";

/** Holds where the logs go, without `.rank-0.log`. Set by `asterolab notebook run --ranks`. */
export const LOGS_VARIABLE = "ASTEROLAB_RANK_LOGS";

export class RankLogs {
  private readonly files: readonly WriteStream[];

  constructor(prefix: string, ranks: number) {
    this.files = Array.from({ length: ranks }, (_, rank) => createWriteStream(`${prefix}.rank-${rank}.log`));
    for (const file of this.files) file.on("error", () => file.destroy());
  }

  write(rank: number, text: string): void {
    const file = this.files[rank];
    if (file !== undefined && !file.destroyed) file.write(text);
  }
}
