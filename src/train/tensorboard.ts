/** TensorBoard event files: scalars as protocol buffers in TFRecord frames. */

import { hostname } from "node:os";
import { join } from "node:path";
import protobuf from "protobufjs";
import { openAppend } from "./append-file";

/** Writes one event file; every call is on disk when it returns. */
export interface EventWriter {
  /** Adds one value per tag at `step`. */
  scalars(step: number, values: Readonly<Record<string, number>>): void;
  close(): void;
}

/**
 * Starts a new event file in `dir`. TensorBoard shows all files of a folder as one run; `purgeStep` makes it forget
 * what older files hold from that step on, which is what a restored run repeats.
 */
export function createEventWriter(dir: string, options: { purgeStep?: number } = {}): EventWriter {
  const seconds = Math.floor(Date.now() / 1000);
  const name = `events.out.tfevents.${String(seconds).padStart(10, "0")}.${hostname()}.${process.pid}.${fileCount++}`;
  const file = openAppend(join(dir, name));
  const write = (event: Readonly<Record<string, unknown>>): void => {
    file.write(frame(encodeEvent({ wallTime: Date.now() / 1000, ...event })));
  };
  write({ fileVersion: "brain.Event:2" });
  if (options.purgeStep !== undefined) write({ step: options.purgeStep, sessionLog: { status: SESSION_START } });
  return {
    scalars(step, values) {
      const value = Object.entries(values).map(([tag, simpleValue]) => ({ tag, simpleValue }));
      write({ step, summary: { value } });
    },
    close: file.close,
  };
}

/** CRC-32C (Castagnoli) of the bytes, as RFC 3720 defines it. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ byte) & 0xff]!;
  return ~crc >>> 0;
}

// Distinguishes the files of one process; the name's other parts may repeat within a second.
let fileCount = 0;

const SESSION_START = 1;

// The fields in use of tensorflow/core/util/event.proto and tensorflow/core/framework/summary.proto.
const EVENT = protobuf
  .parse(`
  syntax = "proto3";
  message Summary {
    message Value { string tag = 1; float simple_value = 2; }
    repeated Value value = 1;
  }
  message SessionLog { int32 status = 1; }
  message Event {
    double wall_time = 1;
    int64 step = 2;
    oneof what { string file_version = 3; Summary summary = 5; SessionLog session_log = 7; }
  }
`)
  .root.lookupType("Event");

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let crc = index;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  return crc;
});

function encodeEvent(event: Readonly<Record<string, unknown>>): Uint8Array {
  return EVENT.encode(EVENT.fromObject(event)).finish();
}

/** Length, masked CRC of the length, data, masked CRC of the data (tensorflow/core/lib/io/record_writer). */
function frame(data: Uint8Array): Buffer {
  const framed = Buffer.alloc(data.length + 16);
  framed.writeBigUInt64LE(BigInt(data.length), 0);
  framed.writeUInt32LE(maskedCrc(framed.subarray(0, 8)), 8);
  framed.set(data, 12);
  framed.writeUInt32LE(maskedCrc(data), 12 + data.length);
  return framed;
}

function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
