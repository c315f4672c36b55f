/** Reads one line from a descriptor and blocks meanwhile. */

import { readSync } from "node:fs";

/** @throws {Error} when the other side has gone. */
export function readLine(descriptor: number): string {
  const bytes: number[] = [];
  const byte = Buffer.alloc(1);
  for (;;) {
    if (readSync(descriptor, byte, 0, 1, null) === 0) throw new Error("Cannot read input: the kernel is ending");
    if (byte[0] === 0x0a) return Buffer.from(bytes).toString("utf8");
    bytes.push(byte[0]!);
  }
}
