/** The engines that tests run on, and why one of them is skipped here. */

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { EngineName } from "../src/engine";

export const ENGINES: readonly EngineName[] = ["cpu", "native", "tensorflow"];

/** For a test's `skip` option: false, or the reason. Nothing is loaded to find out. */
export function skipOf(engine: EngineName): string | false {
  return engine === "tensorflow" && !isTensorflowBuilt()
    ? "the tensorflow engine is not built: npm run engine:tensorflow"
    : false;
}

function isTensorflowBuilt(): boolean {
  try {
    const folder = dirname(require.resolve("@tensorflow/tfjs-node-gpu/package.json"));
    return existsSync(join(folder, "lib", "napi-v8", "tfjs_binding.node"));
  } catch {
    return false;
  }
}
