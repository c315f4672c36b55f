/** Puts this repository's kernels, and what shows their figures live in JupyterLab, where every Jupyter tool finds them. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { mkdirP, writeFileAtomic } from "../data/files";
import { NotebookError } from "../errors";
import { projectRoot } from "../version";
import { dataFolder } from "./connection";

export type InstallPlace =
  | { readonly kind: "user" }
  /** A virtual environment's or conda's own folder. */
  | { readonly kind: "sys-prefix" }
  | { readonly kind: "prefix"; readonly prefix: string };

const KERNELS = join(projectRoot, "kernels");
const EXTENSION = join("labextensions", "asterolab-figures");

/** The names of the kernels in `kernels/`. */
export function ownKernelNames(): string[] {
  return readdirSync(KERNELS, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

/**
 * Writes each kernel's `kernel.json` with the paths of this checkout and of the Node that runs now, whose version the
 * native addon was built for, and the extension beside them. Older ones are replaced.
 *
 * @returns the folders written
 * @throws {NotebookError} when no environment is active whose folder could be meant.
 * @throws {DataError} when a folder cannot be written.
 */
export async function installKernels(
  place: InstallPlace,
  env: NodeJS.ProcessEnv = process.env,
): Promise<readonly string[]> {
  const share = placeFolder(place, env);
  const folders: string[] = [];
  for (const name of ownKernelNames()) {
    const source = join(KERNELS, name);
    const spec = JSON.parse(readFileSync(join(source, "kernel.json"), "utf8")) as { argv: string[] };
    const argv = spec.argv.map((text) => text.replace("{resource_dir}", source));
    const folder = join(share, "kernels", name);
    await mkdirP(folder);
    const text = JSON.stringify({ ...spec, argv: [process.execPath, ...argv.slice(1)] }, null, 2);
    await writeFileAtomic(join(folder, "kernel.json"), `${text}\n`);
    folders.push(folder);
  }
  return [...folders, await installExtension(share)];
}

/** Files of JupyterLab's own form, which need no change. */
async function installExtension(share: string): Promise<string> {
  const folder = join(share, EXTENSION);
  await mkdirP(join(folder, "static"));
  for (const file of ["package.json", join("static", "remoteEntry.js")]) {
    await writeFileAtomic(join(folder, file), readFileSync(join(projectRoot, EXTENSION, file), "utf8"));
  }
  return folder;
}

function placeFolder(place: InstallPlace, env: NodeJS.ProcessEnv): string {
  if (place.kind === "user") return dataFolder(env);
  const prefix = place.kind === "prefix" ? place.prefix : (env.VIRTUAL_ENV ?? env.CONDA_PREFIX);
  if (prefix === undefined) {
    const text = "Cannot install kernels with --sys-prefix: no virtual or conda environment is active; give --prefix";
    throw new NotebookError(text, { isRequest: true });
  }
  return join(prefix, "share", "jupyter");
}
