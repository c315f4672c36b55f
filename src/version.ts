/** The version of Asterolab, as `package.json` states it. */

import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The folder that holds `package.json`: one above `src/` and one above `dist/`. */
export const projectRoot = join(__dirname, "..");

/** The version of this package. */
export const version = (JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as { version: string })
  .version;
