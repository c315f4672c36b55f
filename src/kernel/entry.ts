/** Starts one of the kernel's own files in a thread or a process, compiled or through ts-node as this one runs. */

import { join } from "node:path";
import { projectRoot } from "../version";

const EXTENSION = __filename.endsWith(".ts") ? ".ts" : ".js";

export interface Entry {
  readonly path: string;
  /** Node's options that let it load the file. */
  readonly nodeOptions: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export function entryOf(name: string): Entry {
  const path = join(__dirname, `${name}${EXTENSION}`);
  if (EXTENSION === ".js") return { path, nodeOptions: [], env: {} };
  return {
    path,
    nodeOptions: ["--require", require.resolve("ts-node/register")],
    env: { TS_NODE_PROJECT: join(projectRoot, "tsconfig.json") },
  };
}
