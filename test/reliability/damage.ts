/** Damages files as disks and networks do. */

import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import type { Random } from "../../src/random";

/** Flips one bit, cuts the end off, zeroes a stretch, repeats a stretch or empties the file; says what it did. */
export function damage(path: string, random: Random): string {
  const bytes = readFileSync(path);
  const at = random.integer(bytes.length);
  const length = 1 + random.integer(Math.min(600, bytes.length - at));
  switch (random.integer(5)) {
    case 0:
      bytes[at]! ^= 1 << random.integer(8);
      writeFileSync(path, bytes);
      return `bit flipped in byte ${at}`;
    case 1:
      truncateSync(path, at);
      return `cut at byte ${at}`;
    case 2:
      // A stretch that is zero already would not be damage.
      writeFileSync(
        path,
        Buffer.concat([
          bytes.subarray(0, at),
          Buffer.alloc(length, bytes[at] === 0 ? 1 : 0),
          bytes.subarray(at + length),
        ]),
      );
      return `bytes ${at} to ${at + length} overwritten`;
    case 3:
      writeFileSync(path, Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]));
      return `${length} bytes repeated at ${at}`;
    default:
      truncateSync(path, 0);
      return "emptied";
  }
}
