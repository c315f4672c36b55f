/** How many ranks a kernel starts: what was asked for this start, else the notebook's own number, else the kernelspec's. */

import { readFileSync } from "node:fs";
import { z } from "zod";
import { KernelError } from "../errors";

/** Set by a person, by a kernelspec's `env`, or by `asterolab notebook run --ranks`. */
export const RANKS_VARIABLE = "ASTEROLAB_RANKS";
/** Where Jupyter says which notebook a kernel is started for. */
const NOTEBOOK_VARIABLE = "JPY_SESSION_NAME";

/** A notebook names its number of ranks as `"asterolab": { "ranks": 4 }` in its metadata. */
const notebookRanks = z.object({ metadata: z.object({ asterolab: z.object({ ranks: z.int().positive() }) }) });

/**
 * @param fromSpec of the kernelspec's command
 * @throws {KernelError} when the variable holds no number of ranks.
 */
export function worldSize(fromSpec: number, env: NodeJS.ProcessEnv = process.env): number {
  const text = env[RANKS_VARIABLE];
  if (text === undefined || text === "") return maybeRanksOf(env[NOTEBOOK_VARIABLE]) ?? fromSpec;
  const ranks = Number(text);
  if (Number.isInteger(ranks) && ranks > 0) return ranks;
  throw new KernelError(`Cannot start the ranks: ${RANKS_VARIABLE} is "${text}", expected an integer above 0`, "");
}

/** The number that a notebook's metadata holds; nothing when the file is none, or names none. */
function maybeRanksOf(path: string | undefined): number | undefined {
  if (path === undefined) return undefined;
  try {
    return notebookRanks.parse(JSON.parse(readFileSync(path, "utf8"))).metadata.asterolab.ranks;
  } catch {
    return undefined;
  }
}
