import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import protobuf from "protobufjs";
import { crc32c, createEventWriter } from "../../src/train/tensorboard";
import { temporaryFolder } from "../data/make-shard";

/** Reads one event file back; every length and checksum is verified against bitwise arithmetic of its own. */
function readEvents(path: string): Record<string, unknown>[] {
  const bytes = readFileSync(path);
  const event = protobuf
    .parse(
      `syntax = "proto3";
       message Event { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5; Log session_log = 7; }
       message Summary { repeated Value value = 1; }
       message Value { string tag = 1; float simple_value = 2; }
       message Log { int32 status = 1; }`,
    )
    .root.lookupType("Event");
  const events: Record<string, unknown>[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    assert.equal(bytes.readUInt32LE(at + 8), masked(bitwiseCrc(bytes.subarray(at, at + 8))));
    const data = bytes.subarray(at + 12, at + 12 + length);
    assert.equal(bytes.readUInt32LE(at + 12 + length), masked(bitwiseCrc(data)));
    events.push(event.toObject(event.decode(data), { longs: Number }));
    at += length + 16;
  }
  return events;
}

function bitwiseCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

const masked = (crc: number) => Number((((BigInt(crc) >> 15n) | (BigInt(crc) << 17n)) + 0xa282ead8n) & 0xffffffffn);

test("crc32c() gives the check value of RFC 3720", () => {
  assert.equal(crc32c(Buffer.from("123456789")), 0xe3069283);
  assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa); // RFC 3720, B.4: 32 bytes of zeros
});

test("event files hold the version and every scalar with its step, in valid frames", (t) => {
  const dir = temporaryFolder(t);
  const writer = createEventWriter(dir);
  writer.scalars(1, { "train/loss": 2.5, "train/learning_rate": 0.25 });
  writer.scalars(70000, { "train/loss": 1.5 });
  writer.close();
  const [name] = readdirSync(dir);
  assert.match(name!, /^events\.out\.tfevents\.\d{10}\./);
  const events = readEvents(join(dir, name!));
  assert.equal(events[0]!.fileVersion, "brain.Event:2");
  assert.deepEqual(
    events.slice(1).map(({ step, summary }) => ({ step, summary })),
    [
      {
        step: 1,
        summary: {
          value: [
            { tag: "train/loss", simpleValue: 2.5 },
            { tag: "train/learning_rate", simpleValue: 0.25 },
          ],
        },
      },
      { step: 70000, summary: { value: [{ tag: "train/loss", simpleValue: 1.5 }] } },
    ],
  );
});

test("a restored run starts another file that makes TensorBoard forget repeated steps", (t) => {
  const dir = temporaryFolder(t);
  createEventWriter(dir).close();
  createEventWriter(dir, { purgeStep: 7 }).close();
  const names = readdirSync(dir).sort();
  assert.equal(names.length, 2);
  const { step, sessionLog } = readEvents(join(dir, names[1]!))[1]!;
  assert.deepEqual({ step, sessionLog }, { step: 7, sessionLog: { status: 1 } });
});
