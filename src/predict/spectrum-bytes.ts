/** The bytes of a spectrum's file, or of its beginning, decompressed. */

import { constants as bufferConstants } from "node:buffer";
import { open, readFile } from "node:fs/promises";
import { gunzipSync, constants as zlib } from "node:zlib";
import { DataError } from "../errors";
import { describeIoError } from "../files";

/** Text and tables shrink by a factor of ten at most; a file that grows more was made to fill the memory. */
const MAX_EXPANSION = 200;

/** @throws {DataError} when the file cannot be read, or its compression is damaged or grows too much. */
export async function readBytes(path: string): Promise<Buffer> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw unreadable(path, cause);
  }
  if (!isGzip(bytes)) return bytes;
  const maxOutputLength = Math.min(MAX_EXPANSION * bytes.length, bufferConstants.MAX_LENGTH);
  try {
    return gunzipSync(bytes, { maxOutputLength });
  } catch (cause) {
    const isTooLarge = (cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
    const reason = isTooLarge ? `it grows to more than ${maxOutputLength} bytes` : "its compression is damaged";
    throw new DataError(`Cannot read "${path}": ${reason}`, { path }, { cause });
  }
}

/** The headers of a light curve lie in here. */
const START_BYTES = 64 * 1024;

/** The first 64 KiB of a file, decompressed as far as they go; whatever is damaged there ends them. */
export async function readStart(path: string): Promise<Buffer> {
  const bytes = Buffer.alloc(START_BYTES);
  let length: number;
  try {
    const file = await open(path, "r");
    try {
      length = (await file.read(bytes, 0, START_BYTES, 0)).bytesRead;
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw unreadable(path, cause);
  }
  const start = bytes.subarray(0, length);
  if (!isGzip(start)) return start;
  try {
    return gunzipSync(start, { finishFlush: zlib.Z_SYNC_FLUSH, maxOutputLength: MAX_EXPANSION * START_BYTES });
  } catch {
    return Buffer.alloc(0);
  }
}

/** Whether a file begins as FITS files do. */
export function isFits(bytes: Buffer): boolean {
  return bytes.toString("latin1", 0, 9) === "SIMPLE  =";
}

function isGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** The error of a file or folder that the system does not let us read. */
export function unreadable(path: string, cause: unknown): DataError {
  return new DataError(`Cannot read "${path}": ${describeIoError(cause)}`, { path }, { cause, isRequest: true });
}
