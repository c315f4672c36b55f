/** Splits what arrives at line feeds. */

import type { Readable } from "node:stream";

/** Long lines are joined once, not per chunk. */
export function readLines(source: Readable, onLine: (line: string) => void): void {
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
