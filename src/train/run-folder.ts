/** The folder of one run: `config.json`, and what becomes of an older run that lies there. */

import { existsSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { type Config, type ConfigSpec, readConfigFile } from "../config";
import { mkdirP, writeError, writeFileAtomic } from "../data/files";

export const CONFIG_FILE = "config.json";

/** Everything a run writes. */
const RUN_FILES =
  /^(config\.json|metrics\.jsonl|rank-\d+\.log|events\.out\.tfevents\..*|(checkpoint|is_best|model|anomaly).*\.pth)$/;

/**
 * Makes room for a new run: the files of an older one move to `previous-1`, `previous-2`, ... inside the folder.
 *
 * @returns the name of the subfolder, or null when there was nothing to move
 * @throws {DataError} when a file cannot be moved.
 */
export function setOlderRunAside(dir: string): string | null {
  const names = readdirSync(dir);
  const files = names.filter((name) => RUN_FILES.test(name));
  if (files.length === 0) return null;
  let number = 1;
  while (names.includes(`previous-${number}`)) number++;
  const aside = `previous-${number}`;
  mkdirP(join(dir, aside));
  for (const file of files) {
    try {
      renameSync(join(dir, file), join(dir, aside, file));
    } catch (cause) {
      throw writeError(join(dir, aside, file), cause);
    }
  }
  return aside;
}

/** Writes the effective config of the run. @throws {DataError} when it cannot be written. */
export async function writeConfig(dir: string, config: Config): Promise<void> {
  await writeFileAtomic(join(dir, CONFIG_FILE), `${JSON.stringify(config, null, 2)}\n`);
}

/**
 * The settings that the run in `dir` was started with; null when there is none.
 *
 * @throws {ConfigError} when the file is damaged.
 */
export function maybeReadConfig(dir: string): ConfigSpec | null {
  const path = join(dir, CONFIG_FILE);
  return existsSync(path) ? readConfigFile(path) : null;
}
