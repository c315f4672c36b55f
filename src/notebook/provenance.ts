/**
 * Where the outputs of a notebook come from: which code ran, with what versions, from which commit, on which inputs.
 * Kept under `metadata.asterolab.provenance`, and checked when the notebook is verified.
 */

import { execFile } from "node:child_process";
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { codeVersion } from "../code-version";
import { fingerprintText, maybeFingerprint } from "../fingerprint";
import { FACTS_TYPE } from "../kernel/run-facts";
import { version } from "../version";
import { INJECTED_TAG } from "./inject";
import { type JsonObject, type Notebook, RAISES_TAG, SKIP_TAG, tagsOf } from "./notebook-file";
import type { MessageContent } from "./wire";

const provenanceSchema = z.object({
  /** Of the code cells in order, without the injected one. */
  code_sha256: z.string(),
  /** Hash of each input by the path as it was given; null where there was nothing. */
  inputs: z.record(z.string(), z.string().nullable()),
  asterolab: z.string(),
  /** Hash of Asterolab's own sources. */
  sources: z.string(),
  node: z.string(),
  platform: z.string(),
  /** The number of MPI ranks the cells ran on. */
  ranks: z.int().positive(),
  /** What the cells ran with: values given, and the source of other defaults where it is no plain value. */
  parameters: z.record(z.string(), z.unknown()).default({}),
  /** Where tfjs ran; null where it did not, or where the kernel does not tell. */
  engine: z.string().nullable().default(null),
  /** Hash of each data set that the cells opened, by folder and split. */
  data: z.record(z.string(), z.string()).default({}),
  /** Null where the kernel did not start. */
  kernel: z.string().nullable(),
  /** Commit of the folder the notebook lies in, with "+" for changes that are not committed; null outside of git. */
  commit: z.string().nullable(),
});

export type Provenance = Readonly<z.infer<typeof provenanceSchema>>;

export interface ProvenanceOptions {
  /** The notebook as it runs. */
  readonly notebook: Notebook;
  /** Where it was read from; "-" counts as the current folder. */
  readonly path: string;
  /** Files and folders it reads, relative to `cwd`. */
  readonly inputs: readonly string[];
  readonly cwd: string;
  readonly ranks: number;
  /** By name, see `Provenance`. */
  readonly parameters?: Readonly<Record<string, unknown>>;
}

/** Collects what is known before the kernel has started. */
export async function collectProvenance({
  notebook,
  path,
  inputs,
  cwd,
  ranks,
  parameters = {},
}: ProvenanceOptions): Promise<Provenance> {
  const hashes = await Promise.all(inputs.map(async (input) => [input, await maybeFingerprint(resolve(cwd, input))]));
  return {
    code_sha256: codeHash(notebook),
    inputs: Object.fromEntries(hashes),
    asterolab: version,
    sources: codeVersion(),
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    ranks,
    parameters,
    engine: null,
    data: {},
    kernel: null,
    commit: await maybeCommit(dirname(resolve(path))),
  };
}

/** The kernel as its `kernel_info_reply` names it. */
export function describeKernel(name: string, info: MessageContent): string {
  const language = info.language_info as JsonObject | undefined;
  const words = [info.implementation, info.implementation_version, language?.name, language?.version];
  return [name, ...words.filter((word) => typeof word === "string" && word !== "")].join(" ");
}

const factsSchema = z.object({ engine: z.string(), data: z.record(z.string(), z.string()) }).partial();

/** What library code tells by an update of a display (`noteFacts`); nothing where that is an ordinary one. */
export function factsOf(content: MessageContent): Partial<Provenance> {
  const facts = (content.data as JsonObject | undefined)?.[FACTS_TYPE];
  return facts === undefined ? {} : (factsSchema.safeParse(facts).data ?? {});
}

export function setProvenance(notebook: Notebook, provenance: Provenance): void {
  notebook.metadata.asterolab = { ...(notebook.metadata.asterolab as JsonObject | undefined), provenance };
}

/** What a notebook records; undefined when it records nothing that we understand. */
export function maybeProvenance(notebook: Notebook): Provenance | undefined {
  const record = (notebook.metadata.asterolab as JsonObject | undefined)?.provenance;
  const parsed = provenanceSchema.safeParse(record);
  return parsed.success ? parsed.data : undefined;
}

export interface ProvenanceCheck {
  /** The outputs cannot be what this code makes of these inputs. */
  readonly problems: readonly string[];
  /** The run took place elsewhere or with other versions; the outputs may well be the same. */
  readonly notes: readonly string[];
}

/** Compares what a notebook records with what is here now. */
export function compareProvenance(recorded: Provenance, now: Provenance): ProvenanceCheck {
  const problems: string[] = [];
  if (recorded.code_sha256 !== now.code_sha256) problems.push("its code cells were changed after the run");
  for (const [path, hash] of Object.entries(recorded.inputs)) {
    const here = now.inputs[path] ?? null;
    if (here === hash) continue;
    if (here === null) problems.push(`its input "${path}" is not here`);
    else problems.push(`its input "${path}" ${hash === null ? "was not there" : "was different"} when it ran`);
  }
  const labels = {
    asterolab: "Asterolab",
    sources: "Asterolab's sources",
    node: "Node",
    platform: "platform",
  } as const;
  const kernels = now.kernel === null ? {} : { kernel: "kernel" };
  const engines = recorded.engine === null || now.engine === null ? {} : { engine: "engine" };
  const notes = Object.entries({ ...labels, ...kernels, ...engines, commit: "commit" }).flatMap(([key, label]) => {
    const [before, here] = [recorded[key as keyof Provenance], now[key as keyof Provenance]];
    return before === here ? [] : [`${label} was ${before ?? "unknown"}, is ${here ?? "unknown"}`];
  });
  for (const [name, hash] of Object.entries(recorded.data)) {
    const here = now.data[name] ?? hash;
    if (here !== hash) notes.push(`data set "${name}" was ${hash.slice(0, 12)}, is ${here.slice(0, 12)}`);
  }
  return { problems, notes };
}

/** Hash of the code cells and of the tags that decide how they run: prose, outputs and parameters do not count. */
export function codeHash(notebook: Notebook): string {
  const cells = notebook.cells.filter((cell) => cell.cell_type === "code" && !tagsOf(cell).includes(INJECTED_TAG));
  const parts = cells.map((cell) => {
    const tags = [SKIP_TAG, RAISES_TAG].filter((tag) => tagsOf(cell).includes(tag));
    return tags.length === 0 ? cell.source : [cell.source, ...tags];
  });
  return fingerprintText(JSON.stringify(parts));
}

/** The commit checked out in a folder, with "+" when files under version control differ from it. */
async function maybeCommit(folder: string): Promise<string | null> {
  const head = await maybeGit(folder, ["rev-parse", "--short=12", "HEAD"]);
  if (head === null) return null;
  const changes = await maybeGit(folder, ["status", "--porcelain", "--untracked-files=no"]);
  return `${head}${changes === "" ? "" : "+"}`;
}

function maybeGit(folder: string, args: readonly string[]): Promise<string | null> {
  const env = { ...process.env, GIT_OPTIONAL_LOCKS: "0" };
  return new Promise((done) => {
    execFile("git", ["-C", folder, ...args], { env, timeout: 20_000, encoding: "utf8" }, (error, stdout) =>
      done(error === null ? stdout.trim() : null),
    );
  });
}
