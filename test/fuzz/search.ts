/** Coverage-guided search: inputs that reach new blocks of our sources are kept and changed further. */

import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "../../src/random";
import { collectGarbage } from "../reliability/resources";
import type { Coverage } from "./coverage";
import { mutate } from "./mutate";
import type { Target } from "./target";

/** Inputs between two looks at the coverage, which take milliseconds. */
const BATCH = 40;

/** Memory beyond that before the search, in bytes; an input is at most 64 kB. */
const MEMORY_LIMIT = 400e6;

export interface SearchOptions {
  /** Of CPU. */
  readonly seconds: number;
  /** Keeps inputs that reached something new, from search to search. */
  readonly corpusDir: string;
  /** Holds the input under way, for whoever ends a search that hangs. */
  readonly currentFile: string;
  readonly coverage: Coverage;
  readonly seed: number;
}

export interface SearchResult {
  readonly runs: number;
  readonly corpus: number;
  readonly blocks: number;
  readonly findings: readonly { readonly input: Uint8Array; readonly error: Error }[];
}

/** Searches for faults of a target until the time is over. */
export async function search(target: Target, options: SearchOptions): Promise<SearchResult> {
  const { seconds, corpusDir, currentFile, coverage, seed } = options;
  mkdirSync(corpusDir, { recursive: true });
  const shared = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
  const folder = mkdtempSync(join(shared, "asterolab-fuzz-"));
  const current = openSync(currentFile, "w+");
  const random = new Random(seed);
  const corpus: Uint8Array[] = [];
  const findings = new Map<string, { input: Uint8Array; error: Error }>();
  const memoryBefore = memory();
  let runs = 0;

  const run = async (input: Uint8Array): Promise<void> => {
    note(current, input);
    runs++;
    try {
      await target.run(input, folder);
    } catch (error) {
      const kind = kindOf(error as Error);
      const known = findings.get(kind);
      if (known === undefined || known.input.length > input.length)
        findings.set(kind, { input, error: error as Error });
    }
  };
  const keep = (input: Uint8Array): void => {
    corpus.push(input);
    writeFileSync(join(corpusDir, createHash("sha256").update(input).digest("hex").slice(0, 16)), input);
  };

  try {
    const former = readdirSync(corpusDir).map((name) => readFileSync(join(corpusDir, name)));
    for (const input of [...(await target.seeds()), ...former]) {
      await run(input);
      if (coverage.take() > 0 || corpus.length === 0) keep(input);
    }
    const before = process.cpuUsage();
    while (cpuSeconds(before) < seconds) {
      const batch = Array.from({ length: BATCH }, () => {
        // Newer inputs, which reach further, are taken more often.
        const chosen = corpus[corpus.length - 1 - Math.floor(corpus.length * random.uniform() ** 2)]!;
        return mutate(chosen, corpus[random.integer(corpus.length)]!, target.words, random);
      });
      for (const input of batch) await run(input);
      if (coverage.take() > 0) {
        // Which of them it was shows when each runs alone; blocks count as new to the batch, so the shortest are kept.
        keep(batch.reduce((best, input) => (input.length < best.length ? input : best)));
        for (const input of batch) {
          await run(input);
          if (coverage.take() > 0) keep(input);
        }
      }
      if (memory() - memoryBefore > MEMORY_LIMIT) {
        collectGarbage();
        if (memory() - memoryBefore > MEMORY_LIMIT) {
          findings.set("memory", { input: batch.at(-1)!, error: new Error(`memory grew to ${memory()} bytes`) });
          break;
        }
      }
    }
    return { runs, corpus: corpus.length, blocks: coverage.size, findings: [...findings.values()] };
  } finally {
    closeSync(current);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Findings of one kind come from one place. */
function kindOf(error: Error): string {
  const cause = error.cause instanceof Error ? error.cause : error;
  const frame = /\n\s+at .*?(src\/[^)]*:\d+):\d+/.exec(cause.stack ?? "")?.[1] ?? "";
  return `${cause.name} ${frame}`;
}

function note(file: number, input: Uint8Array): void {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(input.length);
  writeSync(file, Buffer.concat([length, input]), 0, 4 + input.length, 0);
}

/** Since `before`. */
export function cpuSeconds(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

function memory(): number {
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}
