/** Finds installed Jupyter kernels by name, in the folders every Jupyter tool searches, and in this repository's own. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { closest } from "fastest-levenshtein";
import { z } from "zod";
import { counted } from "../counted";
import { NotebookError } from "../errors";
import { LOGS_VARIABLE } from "../kernel/rank-logs";
import { RANKS_VARIABLE } from "../kernel/world-size";
import { projectRoot } from "../version";
import { dataFolder } from "./connection";

/** A `kernel.json` with the folder it was found in. */
export interface KernelSpec {
  readonly name: string;
  /** The folder of `kernel.json`; `{resource_dir}` in `argv`. */
  readonly resourceDir: string;
  readonly argv: readonly string[];
  readonly displayName: string;
  readonly language: string;
  readonly interruptMode: "signal" | "message";
  readonly env: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** The kernel that runs cells on ranks. */
const RANKS_KERNEL = "asterolab-mpi";
const NAME = /^[a-z0-9._-]+$/i;

const kernelJson = z.looseObject({
  argv: z.array(z.string()).min(1),
  display_name: z.string().default(""),
  language: z.string().default(""),
  interrupt_mode: z.enum(["signal", "message"]).default("signal"),
  env: z.record(z.string(), z.string()).default({}),
  metadata: z.record(z.string(), z.unknown()).default({}),
});

/**
 * The first kernel called `name` (letter case does not count) along the search path.
 *
 * @throws {NotebookError} naming the installed kernels when there is none, or the broken file.
 */
export function findKernelSpec(name: string, folders: readonly string[] = kernelFolders()): KernelSpec {
  const installed = listKernelNames(folders);
  const found = installed.get(name.toLowerCase());
  if (found !== undefined) return readKernelSpec(found);
  const names = [...installed.keys()];
  const hint = names.length > 0 ? `; installed are ${names.join(", ")}` : "";
  const guess = names.length > 0 ? `; did you mean "${closest(name, names)}"?` : "";
  throw new NotebookError(`Cannot find kernel "${name}"${hint}${guess}`, { isRequest: true });
}

/**
 * The kernel `name`, or, when ranks are asked for, the one that runs cells on them, with their number in its environment.
 *
 * @param ranks asked for this run
 * @param metadata of the notebook; `asterolab.ranks` is its own number
 * @throws {NotebookError} when there is no such kernel, or it cannot run on ranks.
 */
export function findRankedSpec(
  name: string,
  ranks: number | undefined,
  metadata: Readonly<Record<string, unknown>>,
): KernelSpec {
  const named = findKernelSpec(name);
  if (ranks !== undefined && named.language.toLowerCase() !== "typescript") {
    const reason = `its language is "${named.language}", expected typescript`;
    throw new NotebookError(`Cannot run on ${counted(ranks, "rank")} with kernel "${name}": ${reason}`, {
      isRequest: true,
    });
  }
  const spec = ranks === undefined || named.name === RANKS_KERNEL ? named : findKernelSpec(RANKS_KERNEL);
  if (spec.name !== RANKS_KERNEL) return spec;
  const own = (metadata.asterolab as { ranks?: unknown } | undefined)?.ranks;
  const count = ranks ?? (process.env[RANKS_VARIABLE] || own);
  const env = {
    ...spec.env,
    JPY_SESSION_NAME: "", // of a notebook that started this process; not the one it runs
    ...(count !== undefined && { [RANKS_VARIABLE]: String(count) }),
  };
  return { ...spec, env };
}

/** The kernel with a log per rank beside the notebook that is written to `output`. */
export function withRankLogs(spec: KernelSpec, output: string): KernelSpec {
  if (spec.name !== RANKS_KERNEL) return spec;
  return { ...spec, env: { ...spec.env, [LOGS_VARIABLE]: resolve(output.replace(/\.ipynb$/, "")) } };
}

/** The folders of all installed kernels by lower-case name; where two share a name, the first found. */
export function listKernelNames(folders: readonly string[] = kernelFolders()): Map<string, string> {
  const found = new Map<string, string>();
  for (const folder of folders) {
    if (!existsSync(folder)) continue;
    for (const entry of readdirSync(folder).sort()) {
      const directory = join(folder, entry);
      const name = entry.toLowerCase();
      if (!NAME.test(entry) || found.has(name) || !existsSync(join(directory, "kernel.json"))) continue;
      found.set(name, directory);
    }
  }
  return found;
}

/** Where kernels are looked for, first hit wins: the order of jupyter_core, with this repository's `kernels/` last. */
export function kernelFolders(env: NodeJS.ProcessEnv = process.env): string[] {
  const user = dataFolder(env);
  const prefix = env.VIRTUAL_ENV || env.CONDA_PREFIX;
  const perEnvironment = prefix ? [join(prefix, "share", "jupyter")] : [];
  const shared =
    process.platform === "win32"
      ? [join(env.PROGRAMDATA ?? "C:\\ProgramData", "jupyter")]
      : ["/usr/local/share/jupyter", "/usr/share/jupyter"];
  const roots = [...(env.JUPYTER_PATH?.split(delimiter).filter(Boolean) ?? []), ...perEnvironment, user, ...shared];
  const folders = [...roots.map((root) => join(root, "kernels")), join(homedir(), ".ipython", "kernels")];
  return [...new Set([...folders, join(projectRoot, "kernels")].map((folder) => resolve(folder)))];
}

/**
 * The command that starts the kernel: templates filled in, a leading `node` replaced by the running one, so that the
 * native addon meets the Node version it was built for, and a leading `python` by that of the environment the kernel is
 * installed in, as Jupyter does.
 */
export function kernelCommand(spec: KernelSpec, connectionFile: string): readonly string[] {
  const values: Readonly<Record<string, string>> = {
    connection_file: connectionFile,
    resource_dir: spec.resourceDir,
    prefix: dirname(dirname(process.execPath)),
  };
  const argv = spec.argv.map((text) => text.replace(/\{(\w+)\}/g, (whole, key: string) => values[key] ?? whole));
  if (argv[0] === "node") return [process.execPath, ...argv.slice(1)];
  // <prefix>/share/jupyter/kernels/<name>
  const python = join(spec.resourceDir, "..", "..", "..", "..", "bin", "python");
  return /^python3?$/.test(argv[0]!) && existsSync(python) ? [python, ...argv.slice(1)] : argv;
}

/** The kernel's environment: ours, then the spec's entries with `${NAME}` expanded from ours. */
export function kernelEnvironment(spec: KernelSpec, env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const expand = (text: string): string => text.replace(/\$\{(\w+)\}/g, (_, name: string) => env[name] ?? "");
  const added = Object.entries(spec.env).map(([name, text]) => [name, expand(text)]);
  return { ...env, ...Object.fromEntries(added) };
}

function readKernelSpec(directory: string): KernelSpec {
  const path = join(directory, "kernel.json");
  let parsed: z.infer<typeof kernelJson>;
  try {
    parsed = kernelJson.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    const reason =
      cause instanceof z.ZodError ? z.prettifyError(cause).replace(/\s*\n\s*/g, " ") : (cause as Error).message;
    throw new NotebookError(`Cannot use kernel "${path}": ${reason}`, { path, isRequest: true, cause });
  }
  return {
    name: directory.slice(dirname(directory).length + 1),
    resourceDir: directory,
    argv: parsed.argv,
    displayName: parsed.display_name,
    language: parsed.language,
    interruptMode: parsed.interrupt_mode,
    env: parsed.env,
    metadata: parsed.metadata,
  };
}
