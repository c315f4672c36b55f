/**
 * Every reader on its seeds, on every input that ever broke it (test/golden/fuzz), and on a few hundred changed ones; the
 * coverage-guided search is `scripts/fuzz.ts`.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import * as fc from "fast-check";
import { Random } from "../../src/random";
import { temporaryFolder } from "../data/make-shard";
import { mutate } from "./mutate";
import { TARGETS } from "./targets";

const FINDINGS = join(__dirname, "../golden/fuzz");
const RUNS = 250;

for (const target of TARGETS) {
  test(`${target.name}: well-formed inputs and all former findings`, async (t) => {
    const folder = temporaryFolder(t);
    const found = join(FINDINGS, target.name);
    const former = existsSync(found) ? readdirSync(found).map((name) => readFileSync(join(found, name))) : [];
    for (const input of [...(await target.seeds()), ...former, Buffer.alloc(0)]) await target.run(input, folder);
  });

  test(`${target.name}: changed inputs are read or refused, never a fault`, async (t) => {
    const folder = temporaryFolder(t);
    const seeds = await target.seeds();
    const input = fc.tuple(fc.nat(), fc.nat()).map(([seed, stream]) => {
      const random = new Random(seed, stream);
      const pick = (): Uint8Array => seeds[random.integer(seeds.length)]!;
      return mutate(pick(), pick(), target.words, random);
    });
    await fc.assert(
      fc.asyncProperty(input, (bytes) => target.run(bytes, folder)),
      { numRuns: RUNS },
    );
  });
}
