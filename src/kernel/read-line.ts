/** Reads one line from a descriptor and blocks meanwhile. */

import { readSync } from "node:fs";
import { errorCode } from "../files";

const NEVER = new Int32Array(new SharedArrayBuffer(4));
const RETRY_MS = 5;

/** @throws {Error} when the other side has gone. */
export function readLine(descriptor: number): string {
  const bytes: number[] = [];
  const byte = Buffer.alloc(1);
  for (;;) {
    if (readByte(descriptor, byte) === 0) throw new Error("Cannot read input: the kernel is ending");
    if (byte[0] === 0x0a) return Buffer.from(bytes).toString("utf8");
    bytes.push(byte[0]!);
  }
}

/** A descriptor that does not block is asked until something is there. */
function readByte(descriptor: number, byte: Buffer): number {
  for (;;) {
    try {
      return readSync(descriptor, byte, 0, 1, null);
    } catch (error) {
      if (errorCode(error) !== "EAGAIN") throw error;
      Atomics.wait(NEVER, 0, 0, RETRY_MS);
    }
  }
}
