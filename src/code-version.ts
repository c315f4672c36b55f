/** Which code runs: one hash over the sources of this package, for records and for deciding what has to run again. */

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "./version";

/** What decides what the package computes; `dist` stands for `src` where only the compiled form is there. */
const PARTS = ["native/ops", "native/bind", "package.json"];

let known: string | undefined;

/** The first twelve digits of the SHA-256 of the sources; the same for the same sources, wherever they lie. */
export function codeVersion(): string {
  if (known !== undefined) return known;
  const hash = createHash("sha256");
  const sources = existsSync(join(projectRoot, "src", "index.ts")) ? "src" : "dist";
  for (const part of [sources, ...PARTS]) {
    for (const file of filesOf(part)) hash.update(`${file}\n`).update(readFileSync(join(projectRoot, file)));
  }
  known = hash.digest("hex").slice(0, 12);
  return known;
}

/** The files under a part of the package, relative to its root, sorted; none when it is not there. */
function filesOf(part: string): string[] {
  const stats = statSync(join(projectRoot, part), { throwIfNoEntry: false });
  if (stats === undefined) return [];
  if (!stats.isDirectory()) return [part];
  return readdirSync(join(projectRoot, part))
    .sort()
    .flatMap((name) => filesOf(`${part}/${name}`));
}
