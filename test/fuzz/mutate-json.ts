/** Changes JSON where it hurts: a value of the wrong type in the right place. */

import type { Random } from "../../src/random";

const VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e300,
  2 ** 53,
  "",
  "a",
  "../x",
  "NaN",
  [],
  {},
  [null],
  { a: 1 },
  [[]],
  "\u0000",
];

/** A changed document with one or two values replaced, removed, repeated or swapped; null when `input` is not JSON. */
export function maybeMutateJson(input: Uint8Array, random: Random): Buffer | null {
  let document: unknown;
  try {
    document = JSON.parse(Buffer.from(input).toString("utf8"));
  } catch {
    return null;
  }
  const root = { document };
  for (let change = 0; change < 1 + random.integer(2); change++) {
    const places = placesOf(root, 0);
    const [owner, key] = places[random.integer(places.length)]!;
    const [other, otherKey] = places[random.integer(places.length)]!;
    const kind = random.integer(5);
    if (kind === 0 && owner !== root) remove(owner, key);
    else if (kind === 1) owner[key] = structuredClone(other[otherKey]);
    else if (kind === 2 && Array.isArray(owner)) owner.push(structuredClone(owner[Number(key)]));
    else owner[key] = structuredClone(VALUES[random.integer(VALUES.length)]);
  }
  return Buffer.from(JSON.stringify(root.document) ?? "null");
}

type Owner = Record<string, unknown>;

/** Every place in the document that holds a value. */
function placesOf(owner: object, depth: number): [Owner, string][] {
  if (depth > 30) return [];
  return Object.entries(owner).flatMap(([key, value]) => [
    [owner as Owner, key] as [Owner, string],
    ...(typeof value === "object" && value !== null ? placesOf(value, depth + 1) : []),
  ]);
}

function remove(owner: Owner, key: string): void {
  if (Array.isArray(owner)) owner.splice(Number(key), 1);
  else delete owner[key];
}
