/** Changes inputs in the ways that break readers. */

import type { Random } from "../../src/random";
import { maybeMutateJson } from "./mutate-json";

const INTERESTING = [0, 1, 2, 7, 8, 9, 127, 128, 255, 256, 65535, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 53];
const MAX_BYTES = 1 << 16;

/** A changed copy of `input`; `other` is spliced in now and then. */
export function mutate(input: Uint8Array, other: Uint8Array, words: readonly string[], random: Random): Buffer {
  const json = random.integer(2) === 0 ? maybeMutateJson(input, random) : null;
  if (json !== null) return json.subarray(0, MAX_BYTES);
  let bytes: Buffer = Buffer.from(input);
  const count = 1 + random.integer(4);
  for (let change = 0; change < count; change++) bytes = once(bytes, other, words, random);
  return bytes.subarray(0, MAX_BYTES);
}

function once(bytes: Buffer, other: Uint8Array, words: readonly string[], random: Random): Buffer {
  const at = random.integer(bytes.length + 1);
  const length = Math.min(bytes.length - at, 1 + random.integer(random.integer(8) === 0 ? 200 : 8));
  const [head, middle, tail] = [bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at + length)];
  const insert = (piece: Uint8Array): Buffer => Buffer.concat([head, piece, middle, tail]);
  switch (random.integer(10)) {
    case 0:
      return flip(bytes, random);
    case 1:
      return Buffer.concat([head, tail]);
    case 2:
      return insert(middle);
    case 3:
      return insert(Buffer.from(words[random.integer(words.length)] ?? "", "utf8"));
    case 4:
      return Buffer.concat([head, Buffer.from(words[random.integer(words.length)] ?? "", "utf8"), tail]);
    case 5:
      return changeInteger(bytes, random);
    case 6:
      return changeDigits(bytes, random);
    case 7:
      return Buffer.concat([head, other.subarray(random.integer(other.length + 1))]);
    case 8:
      return insert(Buffer.from(Array.from({ length: 1 + random.integer(8) }, () => random.integer(256))));
    default:
      return Buffer.concat([head, tail, middle]);
  }
}

function flip(bytes: Buffer, random: Random): Buffer {
  if (bytes.length > 0) bytes[random.integer(bytes.length)]! ^= 1 << random.integer(8);
  return bytes;
}

/** Overwrites a little-endian number. */
function changeInteger(bytes: Buffer, random: Random): Buffer {
  const size = [1, 2, 4, 8][random.integer(4)]!;
  if (bytes.length < size) return bytes;
  const at = random.integer(bytes.length - size + 1);
  const value = BigInt(INTERESTING[random.integer(INTERESTING.length)]!) - BigInt(random.integer(3));
  const wide = Buffer.alloc(8);
  wide.writeBigInt64LE(value);
  wide.copy(bytes, at, 0, size);
  return bytes;
}

/** Replaces a number written in decimal. */
function changeDigits(bytes: Buffer, random: Random): Buffer {
  const text = bytes.toString("latin1");
  const runs = [...text.matchAll(/-?\d+(\.\d+)?/g)];
  const run = runs[random.integer(Math.max(1, runs.length))];
  if (run?.index === undefined) return bytes;
  const replacement = [
    "-1",
    "1e999",
    "0",
    "1.5",
    "null",
    '""',
    "[]",
    "{}",
    `${INTERESTING[random.integer(INTERESTING.length)]}`,
  ];
  const chosen = replacement[random.integer(replacement.length)]!;
  return Buffer.from(text.slice(0, run.index) + chosen + text.slice(run.index + run[0].length), "latin1");
}
