/** The CRC-32 of ZIP files (IEEE 802.3), by zlib where Node has it (20.15 and later), else by table. */

import * as zlib from "node:zlib";

/**
 * The CRC-32 of `bytes`, continuing from `crc`, the sum of what came before.
 *
 * @returns an unsigned 32-bit integer.
 */
export const crc32: (bytes: Uint8Array, crc?: number) => number =
  typeof zlib.crc32 === "function" ? (bytes, crc = 0) => zlib.crc32(bytes, crc) : crc32ByTable;

/** {@link crc32} without zlib's help. */
export function crc32ByTable(bytes: Uint8Array, crc = 0): number {
  let remainder = ~crc;
  for (let i = 0; i < bytes.length; i++) remainder = (remainder >>> 8) ^ TABLE[(remainder ^ bytes[i]!) & 0xff]!;
  return ~remainder >>> 0;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? 0xedb88320 : 0);
  return remainder;
});
