/** Engines side by side: each is measured by `asterolab bench`, in a process of its own. */

import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { Config, PresetName } from "../config";
import { withoutRank } from "../distributed/launch";
import type { EngineName } from "../engine";
import { projectRoot } from "../version";
import type { NetworkBench } from "./network";

/** An engine to measure. */
export interface EngineChoice {
  readonly engine: EngineName;
  /** Default: float32. */
  readonly precision?: Config["precision"];
}

/** What `benchEngines` measures, and how long. */
export interface EnginesBenchOptions {
  readonly what: "train" | "infer";
  readonly preset: PresetName;
  readonly points: number;
  readonly batchSize: number;
  readonly threads: number;
  readonly rounds: number;
  readonly steps: number;
  /** Measured one after the other; `cpu` takes minutes for a step of any but a tiny network. */
  readonly choices: readonly EngineChoice[];
}

/** What one engine reaches with one precision, or why it does not run. */
export interface EngineBench extends Required<EngineChoice> {
  /** Null for an engine that does not run here. */
  readonly bench: NetworkBench | null;
  /** Why it does not, in one line; null when it does. */
  readonly problem: string | null;
}

/**
 * Measures engines with the same network and batch. A process for each: memory is that engine's own, TensorFlow takes
 * its number of threads only once, and a library that crashes is a finding.
 */
export async function benchEngines(options: EnginesBenchOptions): Promise<EngineBench[]> {
  const results: EngineBench[] = [];
  for (const choice of options.choices) results.push(await benchEngine(options, choice));
  return results;
}

async function benchEngine(
  { what, preset, points, batchSize, threads, rounds, steps }: EnginesBenchOptions,
  { engine, precision = "float32" }: EngineChoice,
): Promise<EngineBench> {
  const flags = { preset, engine, precision, batch: batchSize, length: points, threads, rounds, steps };
  const child = spawn(
    process.execPath,
    [
      ...[join(projectRoot, "bin", "asterolab.js"), "bench", what, "--json"],
      ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]),
    ],
    { stdio: ["ignore", "pipe", "pipe"], env: withoutRank() },
  );
  const ended = new Promise<string>((resolve) => {
    child.once("error", ({ message }) => resolve(message));
    child.once("close", (code, signal) => resolve(code === 0 ? "" : `ended by ${signal ?? `exit code ${code}`}`));
  });
  const [document, complaint, end] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  const result = { engine, precision };
  if (end === "") return { ...result, bench: JSON.parse(document) as NetworkBench, problem: null };
  return { ...result, bench: null, problem: complaint.trim().split("\n").at(-1) || end };
}
